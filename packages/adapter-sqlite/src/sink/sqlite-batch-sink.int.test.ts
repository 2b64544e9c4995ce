import { DroverError, type Outcome, type Row } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure, TestLane } from '../testing/test-lane.js'
import { type SqliteBatch, type SqliteBatchSinkOptions, sqliteBatchSink } from './sqlite-batch-sink.js'

const schema = { fields: [], key: ['id'] }
const rows: Row[] = Array.from({ length: 10 }, (_, i) => ({ id: i + 1, tags: ['a', `b${i}`] }))

describe.each(drivers)('batches that the caller writes, over %s', (driver) => {
  let database: TestDatabase
  beforeEach(() => {
    database = new TestDatabase(driver)
  })
  afterEach(() => database[Symbol.asyncDispose]())

  const lane = (options: Partial<SqliteBatchSinkOptions<Row>> = {}) =>
    TestLane.open(
      sqliteBatchSink<Row>({ filename: database.file, driver, name: 'notes', prepare, write, ...options }),
      { schema },
    )
  const counts = () =>
    database.exact('SELECT (SELECT count(*) FROM notes) AS notes, (SELECT count(*) FROM tags) AS tags')

  it('are rows of several tables and a position, in one transaction', async () => {
    await using one = await lane()
    expect(await one.write(rows, 4)).toEqual({ inserted: 10, updated: 0, skipped: 0 })
    expect(await counts()).toEqual([[10n, 20n]])
  })

  it('leave nothing if one of their pages fails, and the row is counted over all of them', async () => {
    await using one = await lane({
      write: async (records, batch) => {
        const outcome = await write(records, batch)
        const row = records.findIndex(({ id }) => id === 7)
        if (row >= 0) throw new DroverError('RECORD_REFUSED', 'Number 7.', { row })
        return outcome
      },
    })
    expect(await failure(one.write(rows, 4))).toMatchObject({ code: 'RECORD_REFUSED', row: 6 })
    expect(await counts()).toEqual([[0n, 0n]])
  })

  it('need a name and two functions', () => {
    const options = { filename: database.file, name: 'notes', prepare, write }
    expect(() => sqliteBatchSink({ ...options, write: undefined as never })).toThrow(/write is a function/)
    expect(() => sqliteBatchSink({ ...options, keyed: 'yes' as never })).toThrow(/keyed is true or false/)
    expect(() => sqliteBatchSink({ ...options, version: 1 as never })).toThrow(/version/)
    expect(() => sqliteBatchSink({ ...options, table: 'notes' } as never)).toThrow(/table/)
  })
})

async function prepare(batch: SqliteBatch): Promise<void> {
  await batch.exec(
    'CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY); CREATE TABLE IF NOT EXISTS tags (id, tag)',
  )
}

async function write(records: readonly Row[], batch: SqliteBatch): Promise<Outcome> {
  for (const { id, tags } of records) {
    await batch.run('INSERT INTO notes VALUES (?)', [BigInt(id as number)])
    for (const tag of tags as string[]) await batch.run('INSERT INTO tags VALUES (?, ?)', [BigInt(id as number), tag])
  }
  return { inserted: records.length, updated: 0, skipped: 0 }
}
