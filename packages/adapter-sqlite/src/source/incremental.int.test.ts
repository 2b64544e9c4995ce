import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { memorySink, ndjsonSink, type Row, runPipeline } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSource } from './sqlite-source.js'

describe.each(drivers)('runs that read what came since the last one, with %s', (driver) => {
  let database: TestDatabase
  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec(
      'CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT, version INTEGER NOT NULL UNIQUE)',
    )
  })
  afterEach(() => database[Symbol.asyncDispose]())

  const next = 'coalesce((SELECT max(version) FROM t), 0) + 1'
  const insert = async (count: number) => {
    for (let i = 0; i < count; i++) await database.exec(`INSERT INTO t (v, version) VALUES ('a', ${next})`)
  }
  const there = async () => (await database.exact('SELECT id || v FROM t ORDER BY id')).map(([row]) => row)

  it.each(['id', 'version'])('by %s take the new rows, and add them to a file', async (key) => {
    const path = join(database.folder, 'out.ndjson')
    const source = sqliteSource({ filename: database.file, driver, table: 't', key })
    const run = () => runPipeline({ name: 'export', source, sink: ndjsonSink({ path }), again: 'incremental' })
    await insert(3)
    await run()
    await insert(2)
    expect((await run()).counts).toMatchObject({ read: 2, written: 2 })
    expect((await run()).counts).toMatchObject({ read: 0 })
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).id)).toEqual([1, 2, 3, 4, 5])
  })

  it('by a mark that grows with every change take rows that were changed', async () => {
    const source = sqliteSource({ filename: database.file, driver, table: 't', key: 'version' })
    const sink = memorySink<Row>({ key: 'id', onConflict: 'update' })
    const run = () => runPipeline({ name: 'copy', source, sink, again: 'incremental' })
    await insert(5)
    await run()
    await database.exec(`UPDATE t SET v = 'b', version = ${next} WHERE id = 2`)
    expect((await run()).counts).toMatchObject({ read: 1, updated: 1 })
    expect(sink.store.rows.map(({ id, v }) => `${id}${v}`)).toEqual(await there())
  })
})
