import { type DelimitedField, DelimitedPage, DroverError, type Row } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Column } from '../schema/table.js'
import { type EncodingOptions, rowEncoder } from '../sink/row-encoder.js'
import type { CopyEncoder } from './copy-encoder.js'
import { wireType } from './wire-type.js'

const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('0', '1', '9', '-', '+', ' ', '.', 'a', '\\', 'u', '\0', '\n', 'é', '{', '}', '"'),
    maxLength: 8,
  }),
  fc
    .date({ noInvalidDate: true, min: new Date(-62_000_000_000_000), max: new Date(250_000_000_000_000) })
    .map((at) => at.toISOString()),
  fc.constantFrom(
    '2024-02-30T00:00:00Z',
    '2024-02-29 23:59:59.123456',
    '2024-02-29 23:59:59.1234567',
    '2024-02-29T23:59:59+02:00',
    'infinity',
    '{"a":"\\u0000"}',
    '{"a":1}',
    'true',
    '0001-01-01 00:00:00',
    '33333333-2222-1111-0000-abcdefabcdef',
    'x'.repeat(700),
    'größer'.repeat(300),
  ),
)
const integer = fc.oneof(
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(
    0,
    1,
    -1,
    32_767,
    32_768,
    -32_768,
    2 ** 31 - 1,
    2 ** 31,
    Number.MAX_SAFE_INTEGER,
    999_999_999_999_999,
  ),
)

const types = [
  'text',
  'varchar',
  'int2',
  'int4',
  'int8',
  'bool',
  'timestamptz',
  'timestamp',
  'date',
  'json',
  'jsonb',
  'uuid',
  'numeric',
  'float8',
  'bytea',
] as const

const options: EncodingOptions = { where: 'table "t"', invalidText: 'refuse', coerce: [], jsonStrings: () => 'text' }

function column(name: string, type: Parameters<typeof wireType>[0]): Column {
  return {
    name,
    wire: wireType(type),
    isNullable: true,
    isGenerated: false,
    hasDefault: false,
    identity: null,
  } as unknown as Column
}

function pageOf(fields: readonly DelimitedField[], rows: readonly (readonly unknown[])[]): DelimitedPage {
  const texts = rows.map((values) =>
    values.map((one) => (one === null ? DelimitedPage.nullText : String(one))).join('\x1f'),
  )
  return new DelimitedPage({
    bytes: Buffer.from(texts.map((text) => `${text}\x1e`).join('')),
    count: rows.length,
    cursor: 0,
    fields,
    decode: (values) => Object.fromEntries(fields.map(({ name }, i) => [name, values[i]])) as Row,
    keyOf: () => [],
  })
}

/** All that was written, or what it was refused with. */
function written(encoder: CopyEncoder, chunks: () => Iterable<Uint8Array> | undefined): string {
  try {
    const all = [...(chunks() ?? [])].map((chunk) => Buffer.from(chunk))
    return Buffer.concat([...all, encoder.flush() ?? new Uint8Array()]).toString('hex')
  } catch (error) {
    if (!DroverError.isInstance(error)) throw error
    return `${error.code} ${error.row} ${error.message}`
  }
}

describe('rows of texts', () => {
  test.each(types)('are written as the values they stand for would be: %s', (type) => {
    for (const jsonStrings of ['text', 'value', 'unclear'] as const) {
      for (const invalidText of ['refuse', 'escape'] as const) {
        for (const holds of ['text', 'integer'] as const) {
          const fields: DelimitedField[] = [
            { name: 'a', holds },
            { name: 'b', holds: 'text' },
          ]
          const columns = [column('a', type), column('b', 'text')]
          const settings = { ...options, invalidText, jsonStrings: () => jsonStrings }
          const one = fc.option<string | number | bigint>(holds === 'text' ? value : integer, { nil: null })
          const rows = fc.array(fc.tuple(one, fc.constantFrom('', 'b', null)), { maxLength: 4 })
          fc.assert(
            fc.property(rows, (given) => {
              const byRows = rowEncoder(columns, settings)
              const byTexts = rowEncoder(columns, settings)
              const page = pageOf(fields, given)
              const expected = written(byRows, () => byRows.encode(page.rows(), 7))
              const found = written(byTexts, () => byTexts.encodeTexts?.(page, 7))
              // U+0000 is for the careful way.
              if (found.startsWith('PAGE_STALE')) expect(page.texts().includes(0)).toBe(true)
              else expect(found).toBe(expected)
            }),
            { numRuns: 40 },
          )
        }
      }
    }
  })

  test.each([
    ['the end of a field', '1\x1fa\x1fb\x1e'],
    ['the end of a record', '1\x1fa\x1eb\x1e'],
    ['the end of a field, far behind', `1\x1f${'a'.repeat(600)}\x1fb\x1e`],
    ['the end of a record, far behind', `${'1'.repeat(600)}\x1e\x1fb\x1e`],
    ['a whole record', '1\x1fa\x1e2\x1fb\x1e'],
    ['no end', '1\x1fa'],
  ])('are stale if one holds %s', (_, text) => {
    const fields: DelimitedField[] = [
      { name: 'a', holds: 'text' },
      { name: 'b', holds: 'text' },
    ]
    const page = new DelimitedPage({
      bytes: Buffer.from(text),
      count: 1,
      cursor: 0,
      fields,
      decode: () => ({}),
      keyOf: () => [],
    })
    const encoder = rowEncoder([column('a', 'text'), column('b', 'text')], options)
    expect(written(encoder, () => encoder.encodeTexts?.(page, 0))).toMatch(/^PAGE_STALE/)
  })
})
