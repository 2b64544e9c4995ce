import { DroverError, type Outcome, type Row } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { failure, TestLane } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { type PostgresBatch, type PostgresBatchSinkOptions, postgresBatchSink } from './postgres-batch-sink.js'

const schema = { fields: [], key: ['id'] }
const rows: Row[] = Array.from({ length: 10 }, (_, i) => ({ id: i + 1, tags: ['a', `b${i}`] }))

describePostgres('batches that the caller writes', () => {
  const database = useDatabase()
  let place: TestSchema
  beforeEach(async () => {
    place = await TestSchema.create(database)
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const prepare = async (batch: PostgresBatch): Promise<readonly string[]> => {
    await batch.query(`CREATE TABLE IF NOT EXISTS ${place.name}.notes (id int PRIMARY KEY)`)
    await batch.query(`CREATE TABLE IF NOT EXISTS ${place.name}.tags (id int, tag text)`)
    return ['table "notes"', 'table "tags"']
  }
  const write = async (records: readonly Row[], batch: PostgresBatch): Promise<Outcome> => {
    const tags = records.flatMap(({ id, tags }) => (tags as string[]).map((tag) => ({ id, tag })))
    const ids = records.map(({ id }) => id)
    await batch.query(`INSERT INTO ${place.name}.notes SELECT unnest($1::int[])`, [ids])
    await batch.query(`INSERT INTO ${place.name}.tags SELECT * FROM unnest($1::int[], $2::text[])`, [
      tags.map(({ id }) => id),
      tags.map(({ tag }) => tag),
    ])
    return { inserted: records.length, updated: 0, skipped: 0 }
  }
  const options = () => ({ connection: database.url, stateSchema: place.name, name: 'notes', prepare, write })
  const lane = (given: Partial<PostgresBatchSinkOptions<Row>> = {}) =>
    TestLane.open(postgresBatchSink<Row>({ ...options(), ...given }), { schema })
  const counts = () =>
    database.query(
      `SELECT (SELECT count(*)::int FROM ${place.name}.notes) AS notes, (SELECT count(*)::int FROM ${place.name}.tags) AS tags`,
    )

  it('are rows of several tables and a position, in one transaction', async () => {
    await using one = await lane()
    expect(await one.write(rows, 4)).toEqual({ inserted: 10, updated: 0, skipped: 0 })
    expect(await counts()).toEqual([{ notes: 10, tags: 20 }])
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
    expect(await counts()).toEqual([{ notes: 0, tags: 0 }])
  })

  it('need a name and two functions', () => {
    expect(() => postgresBatchSink({ ...options(), write: undefined as never })).toThrow(/write is a function/)
    expect(() => postgresBatchSink({ ...options(), keyed: 'yes' as never })).toThrow(/keyed is true or false/)
    expect(() => postgresBatchSink({ ...options(), version: 1 as never })).toThrow(/version/)
    expect(() => postgresBatchSink({ ...options(), table: 'notes' } as never)).toThrow(/table/)
  })
})
