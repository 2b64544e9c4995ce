import {
  type AckSink,
  DroverError,
  type Flow,
  from,
  memoryAckSink,
  memoryStateStore,
  type Page,
  type Row,
  runPipeline,
  setField,
} from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TestSchema } from '../testing/test-schema.js'
import { CopyPage } from '../wire/copy-page.js'
import { poured } from '../wire/testing/poured.js'
import { postgresSource } from './postgres-source.js'

/** A sink that asks pages for the values of some columns, and for no record. It refuses what is poured of one field as `refused`. */
function pouringSink(
  fields: readonly string[],
  refused?: string,
): { readonly sink: AckSink; readonly values: string[] } {
  const values: string[] = []
  const sink: AckSink = {
    specVersion: 1,
    name: 'pouring',
    guarantee: 'idempotent',
    connect: async () => ({
      takes: (page: Page) => page.pour !== undefined,
      check: () => [],
      write: async (batch) => {
        const taken: string[] = []
        for await (const page of batch) {
          if (page.pour === undefined) throw new Error('a page that does not pour')
          const [first = [], ...others] = poured(page, fields)
          for (const [i, call] of first.entries())
            taken.push([call, ...others.map((calls) => calls[i])].map((one) => String(one?.[1] ?? null)).join('|'))
        }
        const row = refused === undefined ? -1 : taken.indexOf(refused)
        if (row >= 0) throw new DroverError('RECORD_REFUSED', `not ${refused}`, { row })
        values.push(...taken)
        return { inserted: taken.length, updated: 0, skipped: 0 }
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  }
  return { sink, values }
}

describePostgres('pages of a table, poured', () => {
  const database = useDatabase()
  const { rows } = CopyPage.prototype
  let place: TestSchema
  let decoded = 0

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await database.query(`
      SET search_path = ${place.name};
      CREATE TABLE t (id int PRIMARY KEY, a text, j jsonb, at timestamptz);
      INSERT INTO t SELECT i, 'text ' || i, jsonb_build_object('i', i), '2024-01-31Z'::timestamptz + i * interval '1 microsecond'
      FROM generate_series(1, 2500) AS i;
      UPDATE t SET a = NULL, j = '12345678901234567890.5', at = 'infinity' WHERE id = 7`)
    decoded = 0
    CopyPage.prototype.rows = function (this: CopyPage): readonly Row[] {
      decoded += this.count
      return rows.call(this)
    }
  })
  afterEach(async () => {
    CopyPage.prototype.rows = rows
    await place[Symbol.asyncDispose]()
  })

  const fields = ['id', 'a', 'j', 'at']
  const line = (id: number, a = `text ${id}`): string =>
    id === 7 ? '7|null|12345678901234567890.5|infinity' : `${id}|${a}|{"i": ${id}}|${1_706_659_200_000_000 + id}`
  const all = Array.from({ length: 2500 }, (_, i) => i + 1)

  async function run(make: (flow: Flow<Row>) => Flow<object>, refused?: string) {
    const { sink, values } = pouringSink(fields, refused)
    const letters = memoryAckSink()
    const report = await runPipeline({
      name: 'poured',
      source: make(from(postgresSource({ connection: database.url, table: `${place.name}.t` }))),
      sink: sink as AckSink<object>,
      state: memoryStateStore(),
      maxRejected: 1,
      deadLetters: letters,
    })
    return { values, counts: report.counts, letters: letters.store.rows }
  }

  test('without a step', async () => {
    const { values, counts } = await run((flow) => flow)
    expect(values).toEqual(all.map((id) => line(id)))
    expect(counts).toMatchObject({ read: 2500, inserted: 2500, rejected: 0 })
    expect(decoded).toBe(0)
  })

  test('with a filter that the table applies', async () => {
    const { values } = await run((flow) => flow.filter({ id: { gt: 2000 } }))
    expect(values).toEqual(all.slice(2000).map((id) => line(id)))
    expect(decoded).toBe(0)
  })

  test('behind a step that says what it reads and sets', async () => {
    const step = setField('a', ['id'], (id) => `was ${id}`, { type: { kind: 'text' } })
    const { values, counts } = await run((flow) => flow.filter({ id: { ne: 7 } }).pipe(step))
    expect(values).toEqual(all.filter((id) => id !== 7).map((id) => line(id, `was ${id}`)))
    expect(counts).toMatchObject({ read: 2499, inserted: 2499 })
    expect(decoded).toBe(0)
  })

  test('around a record that the sink refuses, which is decoded alone', async () => {
    const { values, counts, letters } = await run((flow) => flow, line(7))
    expect(values).toEqual(all.filter((id) => id !== 7).map((id) => line(id)))
    expect(counts).toMatchObject({ read: 2500, inserted: 2499, rejected: 1 })
    expect(letters).toMatchObject([{ key: [7], record: { id: 7, a: null, j: '12345678901234567890.5' } }])
    expect(decoded).toBeGreaterThan(0)
    expect(decoded).toBeLessThan(5)
  })

  test('records that a plain function made are whole', async () => {
    await expect(run((flow) => flow.pipe((row) => ({ ...row })))).rejects.toThrow('a page that does not pour')
    expect(decoded).toBeGreaterThan(0)
  })
})
