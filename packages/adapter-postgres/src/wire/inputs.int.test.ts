import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CodecOptions } from './codec-for.js'
import { copyBinary } from './copy-binary.js'
import type { CopyEncoder } from './copy-encoder.js'
import { copyHeader, copyTrailer } from './copy-format.js'
import { copyText } from './copy-text.js'
import { connect, copyIn, copyOut } from './testing/copy.js'
import { pageOf } from './testing/page-of.js'
import { type WireColumn, type WireType, wireType } from './wire-type.js'

const where = 'table "t"'

type Input = [type: string, value: unknown, same: string, options?: CodecOptions]

/** What may be written beside what is read: type, value, and the text that says the same to Postgres. */
const inputs: readonly Input[] = [
  ['bool', 1, 'true'],
  ['bool', 0n, 'false'],
  ['bool', ' Yes ', 'true'],
  ['int4', 7n, '7'],
  ['int4', ' +7 ', '7'],
  ['int8', '9223372036854775807', '9223372036854775807'],
  ['int8', 2 ** 60, '1152921504606846976'],
  ['int2', -0, '0'],
  ['float8', 2n ** 60n, '1152921504606846976'],
  ['float8', '1e-5', '0.00001'],
  ['float8', '-inf', '-Infinity'],
  ['float4', 0.1, '0.1'],
  ['float4', 16777217, '16777216'],
  ['numeric', 1.5, '1.5'],
  ['numeric', 1e21, '1000000000000000000000'],
  ['numeric', 1e-7, '0.0000001'],
  ['numeric', 10n ** 30n, '1000000000000000000000000000000'],
  ['numeric', -0, '0'],
  ['numeric', ' +.50 ', '0.50'],
  ['numeric', '5.', '5'],
  ['numeric', '12.345e2', '1234.5'],
  ['numeric', '12e-5', '0.00012'],
  ['numeric', '-000', '0'],
  ['numeric', Number.NaN, 'NaN'],
  ['numeric', Number.NEGATIVE_INFINITY, '-Infinity'],
  ['numeric(6,2)', '1.500', '1.5'],
  ['bytea', Uint8Array.of(0, 1).buffer, '\\x0001'],
  ['bytea', '\\xDEAD', '\\xdead'],
  ['bytea', Buffer.from('abc').subarray(1), '\\x6263'],
  ['uuid', '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['uuid', 'a0eebc999c0b4ef8bb6d6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['date', new Date('2024-01-31T00:00:00Z'), '2024-01-31'],
  ['date', '2024-1-5', '2024-01-05'],
  ['date', '2024-01-31T00:00:00.000Z', '2024-01-31'],
  ['timestamp', '2024-01-31', '2024-01-31 00:00:00'],
  ['timestamp', '2024-01-31T12:00:00+05:00', '2024-01-31 12:00:00'],
  ['timestamp', '2024-01-31 24:00:00', '2024-02-01 00:00:00'],
  ['timestamp', '2024-12-31 23:59:60', '2025-01-01 00:00:00'],
  ['timestamp', new Date('1969-12-31T23:59:59.999Z'), '1969-12-31 23:59:59.999'],
  ['timestamptz', new Date('-000043-03-15T00:00:00.001Z'), '0044-03-15 00:00:00.001+00 BC'],
  ['timestamptz', new Date('-000043-03-15T00:00:00.001Z').toISOString(), '0044-03-15 00:00:00.001+00 BC'],
  ['timestamptz', new Date(8.64e15).toISOString(), '275760-09-13 00:00:00+00'],
  ['timestamptz', '2024-01-31 12:00:00.5+05:30', '2024-01-31 06:30:00.5+00'],
  ['timestamptz', '2024-01-31T01:00:00+0530', '2024-01-30 19:30:00+00'],
  ['timestamptz', '2024-01-31T23:00:00-02', '2024-02-01 01:00:00+00'],
  ['timestamptz', '2024-01-31 12:00', '2024-01-31 12:00:00+00'],
  ['timestamptz', '2024-01-31T12:00:00.000000000Z', '2024-01-31 12:00:00+00'],
  ['timestamptz', '1888-01-01 00:00:00+05:53:28', '1887-12-31 18:06:32+00'],
  ['timestamptz(3)', '2024-01-31T12:00:00.123000Z', '2024-01-31 12:00:00.123+00'],
  ['timestamptz', ' Infinity', 'infinity'],
  ['time', '12:00', '12:00:00'],
  ['time', '12:00:00.5+02', '12:00:00.5'],
  ['timetz', '12:00', '12:00:00+00'],
  ['timetz', '12:00:00Z', '12:00:00+00'],
  ['interval', '1 year 2 mons -3 days +04:05:06.789', '1 year 2 mons -3 days +04:05:06.789'],
  ['interval', '-1 days', '-1 days'],
  ['interval', '-00:00:00.5', '-00:00:00.5'],
  ['interval', 'P1W', '7 days'],
  ['interval', 'PT-0.000001S', '-00:00:00.000001'],
  ['json', 'a string', '"a string"'],
  ['json', '{"a":  1}', '{"a":  1}', { json: 'text' }],
  ['jsonb', '[1, 2]', '[1,2]', { json: 'text' }],
  ['jsonb', { a: 2n ** 70n }, '{"a":1180591620717411303424}', { json: 'text' }],
  ['jsonb', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['jsonb', 1e20, '100000000000000000000.0'],
  ['jsonb', '\u{1f600}\\u0000', '"\u{1f600}\\\\u0000"'],
  ['int4[]', Int32Array.of(1, -2), '{1,-2}'],
  ['int8[]', BigInt64Array.of(1n, -2n), '{1,-2}'],
  ['float4[]', Float32Array.of(0.5, -0), '{0.5,-0}'],
  ['int4[]', '[0:2]={1,NULL,3}', '[0:2]={1,NULL,3}'],
  ['int4[]', '[-1:0][5:6]={{1,2},{3,4}}', '[-1:0][5:6]={{1,2},{3,4}}'],
  ['text[]', ' { a b , "c,\\"d" , NULL, "null" } ', '{"a b","c,\\"d",NULL,"null"}'],
  ['timestamptz[]', '{"2024-01-31 12:00:00+00",infinity}', '{"2024-01-31 12:00:00+00",infinity}'],
  ['jsonb[]', '{{"1","{\\"a\\": 2}"},{NULL,"\\"x\\""}}', '{{"1","{\\"a\\": 2}"},{NULL,"\\"x\\""}}'],
  ['numeric(6,2)[]', ['1.5', null], '{1.5,NULL}'],
]

describePostgres('values that are written', () => {
  const database = useDatabase()
  let client: pg.Client
  beforeAll(async () => {
    client = await connect(database.url)
    await client.query("CREATE TYPE mood AS ENUM ('sad', 'ok', 'so so, \"x\"')")
    await client.query('CREATE DOMAIN positive AS int CHECK (VALUE > 0)')
    await client.query('CREATE TYPE pair AS (a int, b text)')
  })
  afterAll(() => client.end())

  async function written(type: string, columns: readonly WireColumn[], value: unknown, options?: CodecOptions) {
    await client.query(`DROP TABLE IF EXISTS b, t; CREATE TABLE b (v ${type}); CREATE TABLE t (v ${type})`)
    const chunks = chunksOf(copyBinary(columns, { ...options, where }), value)
    await copyIn(client, 'COPY b FROM STDIN (FORMAT binary)', [copyHeader, ...chunks, copyTrailer])
    await copyIn(client, 'COPY t FROM STDIN', chunksOf(copyText(columns, { ...options, where }), value))
    return (await client.query('SELECT b.v::text AS binary, t.v::text AS text FROM b, t')).rows[0]
  }

  test.each<Input>(inputs)('%s takes %o as %s', async (type, value, same, options) => {
    const columns = [{ name: 'v', type: typeOf(type) }]
    const expected = (await client.query(`SELECT $1::text::${type}::text AS v`, [same])).rows[0].v
    expect(await written(type, columns, value, options)).toEqual({ binary: expected, text: expected })
  })

  describe('of types that the database made', () => {
    async function typeNamed(name: string): Promise<{ readonly oid: number; readonly array: number }> {
      const { rows } = await client.query('SELECT oid, typarray AS array FROM pg_type WHERE typname = $1', [name])
      return rows[0]
    }

    test('enums and arrays of them', async () => {
      const { oid, array } = await typeNamed('mood')
      const element: WireType = { oid, base: 'enum', name: 'mood' }
      expect(await written('mood', [{ name: 'v', type: element }], 'so so, "x"')).toEqual({
        binary: 'so so, "x"',
        text: 'so so, "x"',
      })
      const type: WireType = { oid: array, base: 'array', name: 'mood[]', element }
      const value = [
        ['sad', null],
        ['so so, "x"', 'ok'],
      ]
      await written('mood[]', [{ name: 'v', type }], value)
      for (const table of ['b', 't']) {
        const page = pageOf(await copyOut(client, `COPY ${table} TO STDOUT (FORMAT binary)`), [{ name: 'v', type }])
        expect(page.rows()).toStrictEqual([{ v: value }])
      }
    })

    test('domains and arrays of them', async () => {
      const { oid, array } = await typeNamed('positive')
      const element: WireType = { oid, base: wireType('int4').base, name: 'positive' }
      expect(await written('positive', [{ name: 'v', type: element }], 5)).toEqual({ binary: '5', text: '5' })
      const type: WireType = { oid: array, base: 'array', name: 'positive[]', element }
      expect(await written('positive[]', [{ name: 'v', type }], [5, 6])).toEqual({ binary: '{5,6}', text: '{5,6}' })
    })

    test.each([
      ['inet', '192.168.0.1/24'],
      ['cidr', '10.0.0.0/8'],
      ['macaddr', '08:00:2b:01:02:03'],
      ['bit(5)', '10101'],
      ['bit varying', ''],
      ['tsvector', "'a':1A 'b c\\\\':2"],
      ['int4range', '[1,5)'],
      ['tsrange', '["2024-01-01 00:00:00",)'],
      ['point', '(1.5,-0)'],
      ['pair', '(1,"a ""b"", \\\\ c")'],
      ['pair[]', '{"(1,x)",NULL}'],
      ['xml', '<a>\n\t&lt;</a>'],
      ['money', '-$1,234.50'],
      ['"char"', '\\'],
      ['pg_lsn', '16/B374D848'],
      ['int4multirange', '{[1,3),[5,9)}'],
    ])('%s travels as text', async (sql, value) => {
      const unknown: WireType = { oid: 0, base: 0, name: sql }
      const columns = (type: WireType): readonly WireColumn[] => [
        { name: 'i', type: wireType('int4') },
        { name: 'v', type },
      ]
      await client.query(
        `DROP TABLE IF EXISTS t, u; CREATE TABLE t (i int, v ${sql}); CREATE TABLE u (i int, v ${sql})`,
      )
      await client.query(`INSERT INTO t SELECT 1, $1::text::${sql} UNION ALL SELECT 2, NULL`, [value])
      const sent = await copyOut(client, 'COPY (SELECT i, v::text FROM t ORDER BY i) TO STDOUT (FORMAT binary)')
      const rows = pageOf(sent, columns(wireType('text'))).rows()
      expect(rows[1]).toEqual({ i: 2, v: null })
      const encoder = copyText(columns(unknown), { where })
      await copyIn(client, 'COPY u FROM STDIN', [...encoder.encode(rows, 0), encoder.flush() ?? Buffer.of()])
      const [result] = (
        await client.query(
          'SELECT array_agg(t.v::text ORDER BY i) AS a, array_agg(u.v::text ORDER BY i) AS b FROM t JOIN u USING (i)',
        )
      ).rows
      expect(result.b).toEqual(result.a)
      expect(result.b).toEqual([expect.any(String), null])
    })
  })

  test.each([
    ['int4[]', '[0:1]={1,NULL}'],
    ['text[]', '[0:0][2:3]={{"a b",""}}'],
    ['timestamptz[]', '[5:5]={2024-01-31T12:00:00Z}'],
    ['jsonb[]', '{{"{\\"a\\": 1}",NULL},{"null",[]}}'],
    ['jsonb[]', '[2:2]={"null"}'],
  ])('an array of %s that JavaScript has no form for is %s', async (type, value) => {
    const columns = [{ name: 'v', type: typeOf(type) }]
    await client.query(`DROP TABLE IF EXISTS t; CREATE TABLE t (v ${type})`)
    await client.query(`INSERT INTO t SELECT $1::text::${type}`, [value])
    const sent = await copyOut(client, 'COPY t TO STDOUT (FORMAT binary)')
    const [row] = pageOf(sent, columns).rows()
    expect(row).toEqual({ v: value })
    const again = [copyHeader, ...chunksOf(copyBinary(columns, { where }), row?.v), copyTrailer]
    expect(Buffer.concat(again).equals(sent)).toBe(true)
  })
})

const modifiers: { readonly [name: string]: number } = { 'numeric(6,2)': ((6 << 16) | 2) + 4, 'timestamptz(3)': 3 }

function typeOf(sql: string): WireType {
  const element = sql.replace('[]', '')
  const name = element.replace(/\(.*/, '') as 'text'
  return wireType(sql.endsWith('[]') ? `${name}[]` : name, modifiers[element])
}

function chunksOf(encoder: CopyEncoder, value: unknown): Uint8Array[] {
  return [...encoder.encode([{ v: value }], 0), encoder.flush() ?? Buffer.of()]
}
