import fc from 'fast-check'
import { expect, it } from 'vitest'
import { indentJson } from './indent-json.js'
import { encodeIndented, encodeJson } from './json-values.js'

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      null,
      true,
      1,
      -0,
      1.5,
      2n ** 60n,
      Number.NaN,
      new Uint8Array([1]),
      '',
      'a\n"\\',
      '[1,{"a": 2}]',
      '\u2028',
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b:', '$type', '$json', '$numberLong', '__proto__'), tie('value'), {
      maxKeys: 3,
    }),
  ),
}))

it('spreads what is plain as it does everything else', () => {
  fc.assert(
    fc.property(value, fc.constantFrom(1, 2, 10, 11), fc.constantFrom(0, 1, 2), (one, indent, depth) => {
      expect(encodeIndented(one, {}, indent, depth)).toBe(indentJson(encodeJson(one), indent, depth))
    }),
  )
})

it('keeps names that look like tags, and are none', () => {
  const record = { a: { $type: 'x', value: 1 }, b: { $numberLong: '1' } }
  expect(encodeJson(record)).toBe('{"a":{"$type":"x","value":1},"b":{"$json":{"$numberLong":"1"}}}')
  expect(encodeIndented(record, { values: 'plain' }, 2, 0)).toBe(JSON.stringify(record, null, 2))
})
