import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { DatasetManifest } from '@drover/export-parquet'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tokensByDay } from './ask-duckdb.js'
import { exportMessages } from './export-messages.js'
import { makeTable, writeMessages, writeNow } from './messages-table.js'

describePostgres('the nightly export', () => {
  const database = useDatabase()
  let folder: string
  beforeEach(async () => {
    folder = path.join(await mkdtemp(path.join(tmpdir(), 'drover-nightly-')), 'messages')
  })
  afterEach(() => rm(path.dirname(folder), { recursive: true }))

  const manifest = async () =>
    JSON.parse(await readFile(path.join(folder, '_manifest.json'), 'utf8')) as DatasetManifest
  /** Of the days that are over. */
  const inPostgres = () =>
    database.query(`
      SELECT (created_at AT TIME ZONE 'UTC')::date::text AS day, count(*)::int AS messages,
        count(DISTINCT thread_id)::int AS threads, sum(token_count)::int AS tokens
      FROM messages WHERE created_at < date_trunc('day', now(), 'UTC') GROUP BY 1 ORDER BY 1`)

  it('adds the new rows alone, a night after the other; DuckDB and PostgreSQL count the same', async () => {
    await makeTable(database)
    await writeMessages(database, '2026-01-01', 700)
    await writeMessages(database, '2026-01-02', 500)
    await writeNow(database)
    const job = { connection: database.url, folder }
    const first = await exportMessages(job)
    expect(first).toMatchObject({
      status: 'completed',
      guarantee: 'exactly-once',
      counts: { read: 1200, written: 1200 },
    })
    expect(await tokensByDay(folder)).toEqual(await inPostgres())
    const before = await manifest()
    expect(before.files.map(({ partition, rows }) => [partition, rows])).toEqual([
      [{ day: '2026-01-01' }, 700],
      [{ day: '2026-01-02' }, 500],
    ])

    await writeMessages(database, '2026-01-03', 300)
    const second = await exportMessages(job)
    expect(second).toMatchObject({ status: 'completed', counts: { read: 300, written: 300 } })
    expect(await tokensByDay(folder)).toEqual(await inPostgres())
    const after = await manifest()
    expect(after.rows).toBe(1500)
    // What was there stays as it was, file by file.
    expect(after.files.slice(0, 2)).toEqual(before.files)
    expect(after.files.slice(2)).toMatchObject([{ partition: { day: '2026-01-03' }, rows: 300 }])
    for (const file of after.files) {
      const bytes = await readFile(path.join(folder, file.path))
      expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([file.bytes, file.sha256])
    }

    // Nobody wrote anything on a day that is over.
    expect(await exportMessages(job)).toMatchObject({ counts: { read: 0 } })
    expect((await manifest()).files).toEqual(after.files)
  })
})
