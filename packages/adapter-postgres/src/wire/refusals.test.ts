import { DroverError } from '@drover/core'
import { describe, expect, test } from 'vitest'
import type { CodecOptions } from './codec-for.js'
import { copyBinary } from './copy-binary.js'
import { copyText } from './copy-text.js'
import { type WireType, wireType } from './wire-type.js'

type Sent = (type: WireType, value: unknown, options?: CodecOptions) => Buffer

const where = 'table "t"'
const binary: Sent = (type, value, options) => send(copyBinary([{ name: 'v', type }], { ...options, where }), value)
const text: Sent = (type, value, options) => send(copyText([{ name: 'v', type }], { ...options, where }), value)

function send(encoder: ReturnType<typeof copyBinary>, value: unknown): Buffer {
  return Buffer.concat([...encoder.encode([{ v: value }], 7), encoder.flush() ?? Buffer.of()])
}

const numeric102 = wireType('numeric', ((10 << 16) | 2) + 4)
const millis = wireType('timestamptz', 3)

const refused: readonly (readonly [string, WireType, unknown, RegExp])[] = [
  ['smallint', wireType('int2'), 32768, /32768.*-32768 to 32767/],
  ['smallint', wireType('int2'), -32769n, /-32769.*-32768 to 32767/],
  ['integer', wireType('int4'), 2 ** 31, /2147483648.*-2147483648 to 2147483647/],
  ['integer', wireType('int4'), 1.5, /1\.5.*round it/],
  ['integer', wireType('int4'), Number.NaN, /NaN.*whole numbers/],
  ['integer', wireType('int4'), '1.0', /the text "1\.0".*whole numbers/],
  ['integer', wireType('int4'), '', /whole numbers/],
  ['integer', wireType('int4'), true, /true.*whole numbers/],
  ['bigint', wireType('int8'), 2n ** 63n, /9223372036854775808.*9223372036854775807/],
  ['bigint', wireType('int8'), 1e300, /1e\+300|integer of/],
  ['oid', wireType('oid'), -1, /-1.*0 to 4294967295/],
  ['boolean', wireType('bool'), 2, /the number 2.*true, false, 0 or 1/],
  ['boolean', wireType('bool'), 'maybe', /"maybe"/],
  ['real', wireType('float4'), 1e39, /out of range/],
  ['real', wireType('float4'), 1e-50, /out of range/],
  ['double', wireType('float8'), 2n ** 53n + 1n, /round it/],
  ['double', wireType('float8'), 'one', /"one"/],
  ['numeric', wireType('numeric'), '1,5', /"1,5"/],
  ['numeric', wireType('numeric'), '', /digits of a number/],
  ['numeric', wireType('numeric'), '.', /digits of a number/],
  ['numeric', wireType('numeric'), '1e200000', /131072 digits/],
  ['numeric', numeric102, '1.005', /2 digits behind the point.*round/],
  ['text', wireType('text'), 'a\0b', /character 2 is U\+0000.*invalidText: 'escape'/],
  ['text', wireType('text'), 'ab\ud800c', /character 3 is half of a surrogate pair/],
  ['text', wireType('text'), `${'x'.repeat(50)}\udc00`, /character 51/],
  ['text', wireType('text'), 5, /the number 5.*It takes text/],
  ['text', wireType('text'), { a: 1 }, /an object.*It takes text/],
  ['text', wireType('text'), new Date(0), /the Date 1970.*It takes text/],
  ['uuid', wireType('uuid'), 'not-a-uuid', /32 hexadecimal digits/],
  ['uuid', wireType('uuid'), '00000000-0000-0000-0000-00000000000g', /32 hexadecimal digits/],
  ['bytea', wireType('bytea'), 'text', /Uint8Array/],
  ['bytea', wireType('bytea'), [1, 2], /an array of 2.*Uint8Array/],
  ['json', wireType('json'), { a: Number.NaN }, /NaN/],
  ['json', wireType('json'), { a: new Uint8Array(1) }, /bytes/],
  ['json', wireType('json'), new Map([[1, 2]]), /Map/],
  ['jsonb', wireType('jsonb'), { a: ['\0'] }, /\\u0000.*jsonb/],
  ['jsonb', wireType('jsonb'), { '\ud800': 1 }, /\\ud800.*jsonb/],
  ['date', wireType('date'), '2023-02-29', /no such day/],
  ['date', wireType('date'), '2024-01-31T12:00:00', /no time of day/],
  ['date', wireType('date'), new Date(1), /no time of day/],
  ['date', wireType('date'), '5874898-01-01', /out of range/],
  ['date', wireType('date'), 20240131, /the number 20240131.*ISO 8601/],
  ['timestamp', wireType('timestamp'), '2024-01-31 25:00:00', /no such time/],
  ['timestamp', wireType('timestamp'), '31.01.2024', /no date of ISO 8601/],
  ['timestamp', wireType('timestamp'), '2024-01-31T12:00:00.1234567', /finer than a microsecond/],
  ['timestamp', wireType('timestamp'), '294277-01-01T00:00:00', /out of range/],
  ['timestamp', wireType('timestamp'), '0000-01-01T00:00:00', /0001 BC/],
  ['timestamptz', wireType('timestamptz'), '2024-01-31T12:00:00+16:00', /offset/],
  ['timestamptz', wireType('timestamptz'), new Date(Number.NaN), /Date that is none/],
  ['timestamptz', wireType('timestamptz'), 1700000000000, /the number 1700000000000/],
  ['timestamptz', millis, '2024-01-31T12:00:00.1234Z', /fewer digits/],
  ['time', wireType('time'), '24:00:01', /no such time/],
  ['timetz', wireType('timetz'), 'noon', /no time/],
  ['interval', wireType('interval'), 'P1.5D', /whole parts/],
  ['interval', wireType('interval'), 'soon', /whole parts/],
  ['interval', wireType('interval'), 'P200000000Y', /out of range/],
  ['array', wireType('int4[]'), 5, /the number 5.*an array/],
  ['array', wireType('int4[]'), [1, 'x'], /"x".*whole numbers/],
  ['array', wireType('int4[]'), [[1], [2, 3]], /differ in length/],
  ['array', wireType('int4[]'), [[1], 2], /differ in length/],
  ['array', wireType('int4[]'), [[]], /empty arrays/],
  ['array', wireType('int4[]'), [[[[[[[1]]]]]]], /7 dimensions/],
  ['array', wireType('int4[]'), '{1,{2}}', /text as Postgres writes it/],
  ['array', wireType('int4[]'), '{1,', /text as Postgres writes it/],
  ['array', wireType('int4[]'), '[1:3]={1,2}', /text as Postgres writes it/],
  ['array', wireType('text[]'), ['a', '\0'], /U\+0000/],
  ['vector', { oid: 70000, base: 'vector', name: 'vector' }, [], /0 dimensions/],
  ['vector', { oid: 70000, base: 'vector', name: 'vector' }, [1, 'a'], /not all numbers/],
  ['vector', { oid: 70000, base: 'vector', name: 'vector' }, [Number.NaN], /NaN/],
  ['function', wireType('text'), () => {}, /a function/],
]

describe.each([
  ['COPY binary', binary],
  ['COPY text', text],
])('by %s', (form, sent) => {
  test.each(refused)('a column of type %s refuses what it cannot keep (%#)', (_type, type, value, message) => {
    const error = caught(() => sent(type, value))
    expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 7, isRetryable: false })
    expect(error.message).toMatch(message)
    expect(error.message).toContain(`table "t": field "v" of record 8 of the batch is `)
  })

  test('U+0000 and halves of pairs are written as escapes where asked', () => {
    const escaping = { invalidText: 'escape' } as const
    expect(sent(wireType('text'), 'a\0b\ud83d-\udc00\u{1f600}', escaping)).toEqual(
      sent(wireType('text'), 'a\\u0000b\\ud83d-\\udc00\u{1f600}'),
    )
    expect(sent(wireType('jsonb'), { 'k\0': ['\ud800', '\\u0000', '\u0001'] }, escaping)).toEqual(
      sent(wireType('jsonb'), { 'k\\u0000': ['\\ud800', '\\u0000', '\u0001'] }),
    )
    expect(sent(wireType('text[]'), ['\0'], escaping)).toEqual(sent(wireType('text[]'), ['\\u0000']))
  })

  test('a field that records only inherit is NULL', () => {
    const encoderOf = form === 'COPY text' ? copyText : copyBinary
    const encoder = encoderOf([{ name: 'constructor', type: wireType('text') }], { where })
    const sentNothing = [...encoder.encode([{}], 0), encoder.flush()]
    expect(sentNothing).toEqual([form === 'COPY text' ? Buffer.from('\\N\n') : Buffer.from('0001ffffffff', 'hex')])
  })

  test('the type json keeps what jsonb cannot', () => {
    expect(sent(wireType('json'), { a: '\0\ud800' }).toString()).toContain('u0000')
  })

  test('the value of a secret length is not shown whole', () => {
    const error = caught(() => sent(wireType('int4'), 'x'.repeat(100_000)))
    expect(error.message.length).toBeLessThan(300)
  })
})

test('a refused row leaves nothing, and those before it are kept', () => {
  const encoder = copyBinary(
    [
      { name: 'a', type: wireType('text') },
      { name: 'v', type: wireType('int4') },
    ],
    { where },
  )
  const good = { a: 'x', v: 1 }
  const encode = (rows: readonly object[]) => [...encoder.encode(rows as never, 0)]
  expect(() => encode([good, { a: 'y', v: 'z' }])).toThrow(expect.objectContaining({ row: 1 }))
  encode([good])
  const all = encoder.flush()
  encode([good, good])
  expect(all).toEqual(encoder.flush())
})

function caught(call: () => unknown): DroverError {
  try {
    call()
  } catch (error) {
    if (DroverError.isInstance(error)) return error
    throw error
  }
  throw new Error('Nothing was refused.')
}
