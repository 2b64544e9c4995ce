import { open, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { TablePlan } from '../columns/column-plan.js'
import { GroupEncoder } from './group-encoder.js'
import { readFooterOf } from './read-footer.js'
import { schemaDifference } from './schema-difference.js'
import { duckdb, folder } from './written-file.js'
import { plan } from './written-rows.js'

const some: TablePlan = plan({
  id: { kind: 'int', bits: 64 },
  n: { kind: 'int', bits: 32 },
  small: { kind: 'int', bits: 8 },
  name: { kind: 'text' },
  price: { kind: 'decimal', precision: 12, scale: 2 },
  at: { kind: 'timestamp', zone: true, digits: 6 },
  local: { kind: 'timestamp', zone: false, digits: 6 },
  day: { kind: 'date' },
  time: { kind: 'time' },
  key: { kind: 'uuid' },
  meta: { kind: 'json' },
  score: { kind: 'float', bits: 64 },
  flag: { kind: 'boolean' },
})

async function schemaOf(table: TablePlan): Promise<Uint8Array> {
  await using encoder = new GroupEncoder({ plan: table, compression: 'none' })
  return await encoder.schema()
}

test('columns that are the same differ in nothing', async () => {
  expect(schemaDifference(await schemaOf(some), await schemaOf(some))).toBeNull()
})

test('columns that DuckDB wrote are those of ours that hold the same', async () => {
  const name = `${await folder()}/duck.parquet`
  await duckdb(
    `COPY (SELECT 1::BIGINT AS id, 1::INTEGER AS n, 1::TINYINT AS small, 'a' AS name, 1::DECIMAL(12, 2) AS price,
       '2024-01-01'::TIMESTAMPTZ AS at, '2024-01-01'::TIMESTAMP AS local, '2024-01-01'::DATE AS day, '12:00'::TIME AS time,
       uuid() AS key, '{}'::JSON AS meta, 1::DOUBLE AS score, true AS flag) TO $file (FORMAT parquet)`,
    name,
  )
  const handle = await open(name)
  const { schema } = await readFooterOf(handle, (await readFile(name)).length, name)
  await handle.close()
  expect(schemaDifference(schema, await schemaOf(some))).toBeNull()
})

const [first, second, ...others] = some.columns

test.for<[string, readonly (TablePlan['columns'][number] | undefined)[], string]>([
  ['one more', some.columns.slice(0, -1), 'has no column flag'],
  [
    'one less',
    [...some.columns, { name: 'more', type: { kind: 'date' }, nullable: true }],
    'has a column more, which is not written',
  ],
  ['another order', [second, first, ...others], 'has its columns in another order: n, id, small'],
  [
    'another type',
    [first, { name: 'n', type: { kind: 'int', bits: 64 }, nullable: true }, ...others],
    'holds optional INT64 in its column n, not optional INT32',
  ],
  [
    'a null',
    [first, { name: 'n', type: { kind: 'int', bits: 32 }, nullable: false }, ...others],
    'has no place for a null in its column n, and what is written may be null there',
  ],
])('what differs by %s is named', async ([name, columns, sentence]) => {
  const existing = await schemaOf({ columns: columns.filter((it) => it !== undefined) })
  expect(schemaDifference(existing, await schemaOf(some))).toMatchObject({
    is: expect.stringContaining(sentence),
    isOfNulls: name === 'a null',
  })
})

test.for([
  [
    { kind: 'timestamp', zone: true, digits: 6 },
    { kind: 'timestamp', zone: false, digits: 6 },
    'INT64 TIMESTAMP(true,2) in its column c, not optional INT64 TIMESTAMP(false,2)',
  ],
  [
    { kind: 'decimal', precision: 12, scale: 2 },
    { kind: 'decimal', precision: 12, scale: 3 },
    'INT64 DECIMAL(12,2) in its column c, not optional INT64 DECIMAL(12,3)',
  ],
  [{ kind: 'text' }, { kind: 'json' }, 'BYTE_ARRAY STRING in its column c, not optional BYTE_ARRAY JSON'],
  [
    { kind: 'list', of: { kind: 'int', bits: 8 } },
    { kind: 'list', of: { kind: 'int', bits: 16 } },
    'INT32 INTEGER(8,true) in its column c.list.element, not optional INT32 INTEGER(16,true)',
  ],
] as const)('%o is not %o', async ([existing, ours, sentence]) => {
  const difference = schemaDifference(await schemaOf(plan({ c: existing })), await schemaOf(plan({ c: ours })))
  expect(difference).toMatchObject({ is: expect.stringContaining(sentence), isOfNulls: false })
})
