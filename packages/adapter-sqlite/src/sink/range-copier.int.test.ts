import { join } from 'node:path'
import { memoryAckSink, runPipeline, startPipeline } from '@drover/core'
import { expect, it } from 'vitest'
import { openSqlite } from '../connection/open-sqlite.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSink } from './sqlite-sink.js'

const rows = 5_000
const filled = `PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, any);
  WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
  INSERT INTO t SELECT i, 'text ' || i, CASE i % 3 WHEN 0 THEN i WHEN 1 THEN i * 1.0 ELSE x'00ff' END FROM n`

for (const driver of drivers) {
  const sourceOf = (test: TestDatabase) => sqliteSource({ filename: test.file, driver, table: 't' })

  it(`an untransformed copy of a file keeps every value and storage class, with ${driver}`, async () => {
    await using test = new TestDatabase(driver)
    await test.exec(filled)
    const filename = join(test.folder, 'copy.db')
    const report = await runPipeline({
      name: 'copy',
      source: sourceOf(test),
      sink: sqliteSink({ filename, driver, table: 't' }),
      batchSize: 1000,
    })
    expect(report.counts).toMatchObject({ read: rows, inserted: rows, rejected: 0 })
    const differing = `SELECT count(*) FROM (SELECT id, hex(v), any, typeof(any) FROM t EXCEPT SELECT id, hex(v), any, typeof(any) FROM other.t)`
    expect(await attached(test, filename, differing)).toEqual([[0n]])
  })

  it(`a refused row is found and named among rows that were to be copied, with ${driver}`, async () => {
    await using test = new TestDatabase(driver)
    await test.exec(`${filled}; CREATE TABLE copy (id INTEGER PRIMARY KEY CHECK (id <> 2345), v TEXT, any)`)
    const letters = memoryAckSink()
    const sink = sqliteSink({ filename: test.file, driver, table: 'copy' })
    const report = await runPipeline({
      name: 'copy',
      source: sourceOf(test),
      sink,
      batchSize: 1000,
      maxRejected: 1,
      deadLetters: letters,
    })
    expect(report.counts).toMatchObject({ read: rows, inserted: rows - 1, rejected: 1 })
    expect(letters.store.rows).toMatchObject([{ key: [2345] }])
    expect(await test.exact('SELECT count(*) FROM copy')).toEqual([[BigInt(rows - 1)]])
  })

  it(`rows that come and go while they are copied are still accounted for, with ${driver}`, async () => {
    await using test = new TestDatabase(driver)
    await test.exec(filled)
    const filename = join(test.folder, 'copy.db')
    const live = startPipeline({
      name: 'copy',
      source: sourceOf(test),
      sink: sqliteSink({ filename, driver, table: 't' }),
      batchSize: 500,
    })
    const changes: Promise<void>[] = []
    live.events.on('batch:committed', ({ cursor, sequence }) => {
      const [id] = cursor as [number]
      if (sequence % 2 === 1)
        changes.push(change(test, `DELETE FROM t WHERE id = ${id + 20}; DELETE FROM t WHERE id = ${id + 620}`))
      else changes.push(change(test, `UPDATE t SET id = id + 100000 WHERE id = ${id + 30}`))
    })
    const report = await live.result
    await Promise.all(changes)
    const [[copied]] = (await attached(test, filename, 'SELECT count(*) FROM other.t')) as [[bigint]]
    expect(Number(copied)).toBe(report.counts.inserted)
    expect(report.counts.read).toBe(report.counts.inserted)
    const lost = `SELECT count(*) FROM t WHERE id <= ${rows} AND id NOT IN (SELECT id FROM other.t)`
    expect(await attached(test, filename, lost)).toEqual([[0n]])
  })
}

async function attached(test: TestDatabase, filename: string, sql: string): Promise<unknown> {
  await using connection = await test.open()
  await connection.run('ATTACH ? AS other', [filename])
  return await connection.all(sql, [], { integers: 'bigint' })
}

/** As an application does that waits for its turn. */
async function change(test: TestDatabase, sql: string): Promise<void> {
  await using connection = await openSqlite({ filename: test.file, driver: test.driver })
  await connection.exec(sql)
}
