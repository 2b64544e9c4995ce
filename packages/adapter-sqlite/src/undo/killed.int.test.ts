import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { runBackfill } from '@drover/core'
import { describe, expect, it } from 'vitest'
import { childProgram } from '../../../../tooling/child-program.js'
import { sqliteBackfill } from '../backfill/sqlite-backfill.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteUndo } from './sqlite-undo.js'

// Processes that start from sources take their seconds.
describe.each(drivers)('a run with before-images, and its undo, killed, over %s', (driver) => {
  it('loses and doubles no image, and puts each row back once', async () => {
    await using database = new TestDatabase(driver)
    await database.exec(`PRAGMA journal_mode = WAL;
      CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT, token_count INTEGER NOT NULL DEFAULT 0);
      WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
      INSERT INTO messages SELECT i, 'message ' || i, -i FROM n`)
    const killed = async (kind: 'run' | 'undo'): Promise<void> => {
      const child = join(import.meta.dirname, '..', 'testing', 'undo.child.ts')
      const parameters = [childProgram(child), database.file, driver, kind]
      const started = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
      const [, signal] = await once(started, 'close')
      expect(signal).toBe('SIGKILL')
    }
    const state = { filename: database.file, driver, batchSize: 100 }
    const before = await database.exact('SELECT * FROM messages ORDER BY id')
    await killed('run')
    const resumed = await runBackfill({
      whenHeld: 'wait',
      backfiller: sqliteBackfill({
        ...state,
        name: 'tokens',
        table: 'messages',
        reads: ['content'],
        sets: ['token_count'],
        set: ({ content }) => ({ token_count: String(content).length }),
        undo: true,
      }),
    })
    expect(resumed.attempt.resumed).toBe(true)
    expect(resumed.counts).toMatchObject({ read: 1000, updated: 1000 })
    expect(
      await database.exact(
        'SELECT count(*) AS n, count(DISTINCT x0) AS k, sum(x1 <> -x0) AS wrong FROM drover_before_images',
      ),
    ).toEqual([[1000n, 1000n, 0n]])
    await killed('undo')
    const undone = await runBackfill({ whenHeld: 'wait', backfiller: sqliteUndo({ ...state, run: 'tokens' }) })
    expect(undone.attempt.resumed).toBe(true)
    expect(undone.counts).toMatchObject({ read: 1000, updated: 1000, skipped: 0 })
    expect(await database.exact('SELECT * FROM messages ORDER BY id')).toEqual(before)
  })
})
