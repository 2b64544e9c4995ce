import { isDeepStrictEqual } from 'node:util'
import type { Row } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codecFor } from './codec-for.js'
import { copyBinary } from './copy-binary.js'
import type { CopyEncoder } from './copy-encoder.js'
import { copyHeader, copyTrailer } from './copy-format.js'
import { copyText } from './copy-text.js'
import { connect, copyIn, copyOut } from './testing/copy.js'
import { expectedPour, isJson } from './testing/expected-pour.js'
import { pageOf } from './testing/page-of.js'
import { poured } from './testing/poured.js'
import { type TypeCase, typeCases } from './testing/type-cases.js'
import { type WireColumn, wireType } from './wire-type.js'

const where = 'table "t"'

const samples = 300

describePostgres('each type', () => {
  const database = useDatabase()
  let client: pg.Client
  beforeAll(async () => {
    client = await connect(database.url)
  })
  afterAll(() => client.end())

  test.each(typeCases)('$sql is the same by COPY binary, by COPY text and by its text', async (typeCase) => {
    const { sql } = typeCase
    const columns = columnsOf(typeCase)
    const values = [...typeCase.edges, ...fc.sample(typeCase.values, samples), null]
    const rows = values.map((v, i) => ({ i, v }))
    await client.query(
      `DROP TABLE IF EXISTS b, t, c; CREATE TABLE b (i int, v ${sql}); CREATE TABLE t (i int, v ${sql}); CREATE TABLE c (i int, v ${sql})`,
    )

    await copyIn(client, 'COPY b FROM STDIN (FORMAT binary)', [
      copyHeader,
      ...chunksOf(copyBinary(columns, { where }), rows),
      copyTrailer,
    ])
    await copyIn(client, 'COPY t FROM STDIN', chunksOf(copyText(columns, { where }), rows))
    const codec = codecFor(typeCase.type)
    const texts = values.map((value) => (value === null || codec === undefined ? null : codec.text(value)))
    await client.query(
      `INSERT INTO c SELECT i - 1, v::${sql} FROM jsonb_array_elements_text($1::jsonb) WITH ORDINALITY AS x(v, i)`,
      [JSON.stringify(texts)],
    )

    const binary = await copyOut(client, 'COPY (SELECT * FROM b ORDER BY i) TO STDOUT (FORMAT binary)')
    expect(
      firstDifference(await copyOut(client, 'COPY (SELECT * FROM t ORDER BY i) TO STDOUT (FORMAT binary)'), binary),
    ).toBe('')
    expect(
      firstDifference(await copyOut(client, 'COPY (SELECT * FROM c ORDER BY i) TO STDOUT (FORMAT binary)'), binary),
    ).toBe('')

    const page = pageOf(binary, columns)
    expect(page.rejected).toEqual([])
    expectSame(page.columns.get('v'), values)
    expectSame(page.rows(), rows)
    if (isJson(typeCase.type)) {
      const printed = pageOf(binary, columns, { json: 'text' }).columns.get('v')
      const texts = Array.from(printed, (text) => (text === null ? ['null'] : ['bytes', Buffer.from(String(text))]))
      expectSame(poured(page, ['v'])[0] ?? [], texts)
    } else {
      expectSame(
        poured(page, ['v'])[0] ?? [],
        values.map((value) => expectedPour(typeCase.type, value)),
      )
    }
    // jsonb prints blanks between its parts; as text it comes back with them.
    const json = sql.startsWith('jsonb') ? 'text' : 'value'
    const read = pageOf(binary, columns, { json }).rows()
    const again = [copyHeader, ...chunksOf(copyBinary(columns, { where, json }), read), copyTrailer]
    expect(firstDifference(Buffer.concat(again), binary)).toBe('')
  })
})

function columnsOf({ type }: TypeCase): readonly WireColumn[] {
  return [
    { name: 'i', type: wireType('int4') },
    { name: 'v', type },
  ]
}

/** `toStrictEqual` takes a field called `__proto__` for the prototype. */
function expectSame(actual: ArrayLike<unknown>, expected: readonly unknown[]): void {
  const place = expected.findIndex((value, i) => !isDeepStrictEqual(actual[i], value))
  expect({ place, value: actual[place] }).toStrictEqual({ place: -1, value: expected[place] })
  expect(actual.length).toBe(expected.length)
}

/** Bytes around the first place where they differ: whole streams would be no message. */
function firstDifference(actual: Buffer, expected: Buffer): string {
  const at = expected.findIndex((byte, i) => actual[i] !== byte)
  if (at < 0 && actual.length === expected.length) return ''
  const from = Math.max(0, at - 24)
  return `${actual.toString('hex', from, at + 24)} instead of ${expected.toString('hex', from, at + 24)} at ${at}`
}

function chunksOf(encoder: CopyEncoder, rows: readonly Row[]): Uint8Array[] {
  const chunks = [...encoder.encode(rows, 0)]
  const last = encoder.flush()
  return last === null ? chunks : [...chunks, last]
}
