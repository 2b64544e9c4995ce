import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { replay, runPipeline } from '@drover/core'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { childProgram } from '../../../../tooling/child-program.js'
import { repeatingPipeline, sweepingPipeline } from '../testing/repeating.js'

const child = join(import.meta.dirname, '..', 'testing', 'repeating.child.ts')
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-repeating-'))
  inFile(
    'source',
    `CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT);
     WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
     INSERT INTO messages SELECT i, 'message ' || i FROM n;`,
  )
})
afterEach(() => rm(folder, { recursive: true }))

function inFile(name: string, sql: string): void {
  const database = new Database(join(folder, `${name}.db`))
  database.exec(sql)
  database.close()
}

function idsIn(name: string): unknown[] {
  const database = new Database(join(folder, `${name}.db`), { readonly: true })
  const ids = database.prepare('SELECT id FROM messages ORDER BY id').pluck().all()
  database.close()
  return ids
}

async function killed(kind: 'run' | 'replay' | 'sweep', batches: number): Promise<void> {
  const parameters = [childProgram(child), folder, kind, String(batches)]
  const started = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [, signal] = await once(started, 'close')
  expect(signal).toBe('SIGKILL')
}

it('a run and its replay that are killed leave every record there once', async () => {
  await killed('run', 20)
  await runPipeline(repeatingPipeline(folder, false))
  expect(idsIn('target')).toHaveLength(900)
  await killed('replay', 2)
  // Into a table without a conflict policy: a letter that came twice would be refused.
  const report = await replay(repeatingPipeline(folder, true))
  expect(report).toMatchObject({ status: 'completed', counts: { read: 100, written: 100, rejected: 0 } })
  expect(report.attempt.counts.read).toBe(60)
  expect(idsIn('target')).toEqual(idsIn('source'))
  expect((await replay(repeatingPipeline(folder, true))).status).toBe('nothing')
})

it('a run that is killed while it deletes goes on there', async () => {
  await runPipeline(sweepingPipeline(folder))
  inFile('source', 'DELETE FROM messages WHERE id % 4 = 0')
  await killed('sweep', 5)
  expect(idsIn('target')).toHaveLength(900)
  const report = await runPipeline(sweepingPipeline(folder))
  expect(report).toMatchObject({
    status: 'completed',
    deletes: { rows: 250, kept: 0 },
    attempt: { counts: { read: 0 } },
  })
  expect(idsIn('target')).toEqual(idsIn('source'))
})
