import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeJson, encodeJson } from './json-values.js'

const roundTrip = (value: unknown) => decodeJson(encodeJson(value))

const name = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('$binary', '$numberDouble', '$numberLong', '$json', '$x', '__proto__'),
)

/** Every value a record may hold, as the sources give it: a bigint only beyond ±2^53. */
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.integer(),
    fc.constantFrom(2 ** 53, -(2 ** 53), 1e20, 1e21, 1e300, 5e-324, -0),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
    fc.bigInt({ min: -(2n ** 80n), max: -(2n ** 53n) }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(name, tie('value')),
  ),
})).value

describe('encodeJson and decodeJson', () => {
  test('give every value back as it was', () => {
    fc.assert(
      fc.property(anyValue, (value) => same(roundTrip(value), value)),
      { numRuns: 2000 },
    )
  })

  test('give valid JSON of one line', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = encodeJson(value)
        expect(() => JSON.parse(text)).not.toThrow()
        expect(text).not.toMatch(/[\n\r]/)
      }),
    )
  })

  test('write what JSON can hold as JSON.stringify does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(
          !JSON.stringify(value).includes('$') &&
            !/-0|\d{16}|e\+/.test(JSON.stringify(value)) &&
            !hasNegativeZero(value),
        )
        expect(encodeJson(value)).toBe(JSON.stringify(value))
      }),
    )
  })

  test.each([
    [9007199254740993n, '9007199254740993'],
    [-9223372036854775808n, '-9223372036854775808'],
    [new Uint8Array([0, 255]), '{"$binary":{"base64":"AP8=","subType":"00"}}'],
    [Number.NaN, '{"$numberDouble":"NaN"}'],
    [Number.NEGATIVE_INFINITY, '{"$numberDouble":"-Infinity"}'],
    [-0, '{"$numberDouble":"-0.0"}'],
    [2 ** 53, '9007199254740992.0'],
    [{ $numberLong: '1' }, '{"$json":{"$numberLong":"1"}}'],
    [{ $json: { a: 1 } }, '{"$json":{"$json":{"a":1}}}'],
    [{ $binary: 1, other: 2 }, '{"$binary":1,"other":2}'],
    ['\ud800', '"\\ud800"'],
    [[1n, { a: 2n ** 60n }], '[1,{"a":1152921504606846976}]'],
  ])('%o is written as %s', (value, text) => {
    expect(encodeJson(value)).toBe(text)
    if (!Array.isArray(value)) expect(decodeJson(text)).toStrictEqual(value)
  })

  test('write dates as ISO 8601, also beyond year 9999, and refuse an invalid one', () => {
    expect(encodeJson({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}')
    expect(encodeJson({ at: new Date(8.64e15) })).toBe('{"at":"+275760-09-13T00:00:00.000Z"}')
    expect(() => encodeJson({ at: new Date(Number.NaN) })).toThrow(/Field "at".*date is invalid/)
  })

  test('leave undefined out, and write objects with toJSON as they ask', () => {
    expect(encodeJson({ a: undefined, b: { toJSON: undefined }, c: [undefined] })).toBe('{"b":{},"c":[null]}')
    expect(encodeJson({ url: new URL('http://a.example/') })).toBe('{"url":"http://a.example/"}')
  })

  test('keep float32 values with the shortest digits', () => {
    expect(encodeJson(new Float32Array([0.1, -0.25, 1 / 3, 1e-30, 16777216, 3.4e38]))).toBe(
      '[0.1,-0.25,0.33333334,1e-30,16777216,3.4e+38]',
    )
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true }), (vector) => {
        expect(Float32Array.from(decodeJson(encodeJson(vector)) as number[])).toStrictEqual(vector)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    [{ a: () => 1 }, /Field "a".*function/],
    [{ a: [Symbol('x')] }, /Field "a\[0\]".*symbol/],
    [{ a: { b: new Map([[1, 2]]) } }, /Field "a\.b".*Map/],
  ])('refuse what has no form in JSON: %o', (value, message) => {
    expect(() => encodeJson(value)).toThrow(
      expect.objectContaining({ code: 'RECORD_REFUSED', message: expect.stringMatching(message) }),
    )
  })

  test('refuse a value that contains itself', () => {
    const loop: Record<string, unknown> = {}
    loop.self = loop
    expect(() => encodeJson(loop)).toThrow(expect.objectContaining({ code: 'RECORD_REFUSED' }))
  })
})

describe('fields that hold any type', () => {
  const anyFields = new Set(['v'])
  test.each([
    [1n, '{"v":{"$numberLong":"1"}}'],
    [2n ** 63n - 1n, '{"v":{"$numberLong":"9223372036854775807"}}'],
    [1, '{"v":{"$numberDouble":"1.0"}}'],
    [1e300, '{"v":{"$numberDouble":"1e+300"}}'],
    [-0, '{"v":{"$numberDouble":"-0.0"}}'],
    [1.5, '{"v":1.5}'],
    ['1', '{"v":"1"}'],
    [null, '{"v":null}'],
  ])('%o comes back as the type it was', (v, text) => {
    expect(encodeJson({ v }, { anyFields })).toBe(text)
    expect(decodeJson(text)).toStrictEqual({ v })
  })
})

describe('plain values', () => {
  test.each([[new Uint8Array(1)], [Number.NaN], [Number.POSITIVE_INFINITY], [new Float32Array([Number.NaN])]])(
    'refuse %o',
    (value) => {
      expect(() => encodeJson({ value }, { values: 'plain' })).toThrow(
        expect.objectContaining({ code: 'RECORD_REFUSED', message: expect.stringContaining('"value') }),
      )
    },
  )

  test('write -0 and tag-like objects as they are, and read them so', () => {
    const value = { a: -0, b: { $numberLong: '1' }, c: 2n ** 64n }
    const text = encodeJson(value, { values: 'plain' })
    expect(text).toBe('{"a":-0,"b":{"$numberLong":"1"},"c":18446744073709551616}')
    expect(decodeJson(text, 'plain')).toStrictEqual(value)
  })

  test('refuse integers of a field that holds any type', () => {
    expect(() => encodeJson({ v: 1 }, { values: 'plain', anyFields: new Set(['v']) })).toThrow(
      /integer 1 from the float/,
    )
  })
})

describe('decodeJson', () => {
  test('keeps all digits of big integers anywhere, and of nothing else', () => {
    const text =
      '{ "a" : [ 9007199254740993 , -9007199254740993,1.0 ],"s":"9007199254740993 \\" \\\\","e":1e25,"f":12345678901234567.5 , "__proto__":{"x":18446744073709551615}}'
    const value = decodeJson(text) as Record<string, unknown>
    expect(value.a).toStrictEqual([9007199254740993n, -9007199254740993n, 1])
    expect(value.s).toBe('9007199254740993 " \\')
    expect(value.e).toBe(1e25)
    expect(value.f).toBe(Number('12345678901234567.5'))
    expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toStrictEqual({ x: 18446744073709551615n })
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  test('agrees with JSON.parse on texts of any shape, where JSON.parse is exact', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), fc.constantFrom(0, 1, '\t'), (text, indent) => {
        const parsed: unknown = JSON.parse(text)
        const long = `[9007199254740993,${JSON.stringify(parsed, null, indent)}]`
        fc.pre(!text.includes('$') && !/\d{16}/.test(text))
        expect(decodeJson(long)).toStrictEqual([9007199254740993n, JSON.parse(long)[1]])
      }),
    )
  })

  test.each([
    '{"$binary":"x"}',
    '{"$binary":{"base64":"%%","subType":"00"}}',
    '{"$numberLong":"x"}',
    '{"$json":1}',
    '{"$oid":"5"}',
  ])('leaves %s of other programs as it is', (text) => {
    expect(decodeJson(text)).toStrictEqual(JSON.parse(text))
    expect(roundTrip(decodeJson(text))).toStrictEqual(JSON.parse(text))
  })

  test('throws a SyntaxError for what is no JSON', () => {
    expect(() => decodeJson('{"a":9007199254740993')).toThrow(SyntaxError)
  })
})

function hasNegativeZero(value: unknown): boolean {
  if (Object.is(value, -0)) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNegativeZero)
}

/** Equal by own properties, prototypes aside: fast-check makes dictionaries without one. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b) || a instanceof Uint8Array !== b instanceof Uint8Array) return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every(
    (name) =>
      Object.hasOwn(b, name) && same((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  )
}
