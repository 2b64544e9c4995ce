import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTogether } from '@drover-internal/sql-tests/start-together'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const program = join(import.meta.dirname, '..', 'testing', 'startup.child.ts')

describe('six instances that start together', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-startup-'))
    const source = new Database(join(folder, 'source.db'))
    source.exec(`
      CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT);
      WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO messages SELECT i, 'message ' || i FROM n;
    `)
    source.close()
    const target = new Database(join(folder, 'target.db'))
    target.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT, tokens INTEGER);
    `)
    target.close()
  })

  afterEach(() => rm(folder, { recursive: true }))

  function looked(sql: string): unknown {
    const target = new Database(join(folder, 'target.db'), { readonly: true })
    try {
      return target.prepare(sql).get()
    } finally {
      target.close()
    }
  }

  it('do the work once, though one is killed, and two sleep past their leases and wake up again', {
    timeout: 120_000,
  }, async () => {
    const hasRow = (where: string) => async () => looked(`SELECT 1 FROM messages WHERE ${where} LIMIT 1`) !== undefined
    await startTogether({
      program,
      parameters: [folder],
      rows: 2_000,
      hasPassed: { 'copy-stopped': hasRow('id > 800'), 'tokens-stopped': hasRow('id > 600 AND tokens IS NOT NULL') },
    })
    const sql = 'SELECT count(*) AS rows, sum(tokens = length(content)) AS right FROM messages'
    expect(looked(sql)).toEqual({ rows: 2_000, right: 2_000 })
  })
})
