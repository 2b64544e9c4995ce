import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { LogicalType } from '../contracts/schema.js'
import { sameOf } from './same-values.js'
import { codeOf } from './value-codes.js'

const kinds: readonly LogicalType[] = [
  { kind: 'text' },
  { kind: 'json' },
  { kind: 'any' },
  { kind: 'decimal' },
  { kind: 'boolean' },
  { kind: 'float', bits: 32 },
  { kind: 'float', bits: 64 },
  { kind: 'timestamp', zone: true, digits: 6 },
  { kind: 'vector', dimensions: 2 },
  { kind: 'uuid' },
  { kind: 'list', of: { kind: 'timestamp', zone: true, digits: 6 } },
  { kind: 'list', of: { kind: 'text' } },
]

it('compares the items of lists as what they are', () => {
  const same = sameOf([
    { kind: 'list', of: { kind: 'timestamp', zone: true, digits: 6 } },
    { kind: 'list', of: { kind: 'timestamp', zone: true, digits: 3 } },
  ])
  expect(same(['2025-01-01T00:00:00Z', null], ['2025-01-01T00:00:00.000000Z', null])).toBe(true)
  expect(same(['2025-01-01T00:00:00Z'], ['2025-01-01T00:00:00.000001Z'])).toBe(false)
  expect(same(['2025-01-01T00:00:00Z'], [null])).toBe(false)
})
const times = ['2025-01-01T00:00:00Z', '2025-01-01 00:00:00.000', '2025-01-01T01:00:00+01:00', '2025-13-01T00:00:00Z']
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...times, ...times.map((text) => new Date(text)), '1.50', '1.5', 'A', 'a', '', '[1]', '{"a":1}'),
    fc.constantFrom(0, -0, 1, 1n, 1.5, Number.NaN, 2n ** 53n, 1e22, 10n ** 22n, 0.1, Math.fround(0.1), true, false),
    fc.constantFrom(
      new Uint8Array([1]),
      Buffer.from([1]),
      new Float32Array([0.5, 2]),
      new Float32Array([0.1]),
      undefined,
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), tie('value'), { maxKeys: 2 }),
    fc.array(tie('value'), { maxLength: 2 }).map((list) => Object.assign([], { length: 2 }, list)),
  ),
})).value

it('finds the same values the same as codes do', () => {
  const types = fc.array(fc.constantFrom(...kinds), { maxLength: 2 })
  fc.assert(
    fc.property(types, value, value, (of, a, b) => {
      const code = (one: unknown): string => (one === null || one === undefined ? 'null' : codeOf(of)(one))
      expect(sameOf(of)(a, b)).toBe(code(a) === code(b))
      expect(sameOf(of)(a, structuredClone(a))).toBe(true)
    }),
    { numRuns: 1500 },
  )
})

it('finds the same instants the same as their codes do, however they are written', () => {
  const of: readonly LogicalType[] = [{ kind: 'timestamp', zone: true, digits: 6 }]
  const same = sameOf(of)
  const code = codeOf(of)
  const part = (...texts: readonly string[]) => fc.constantFrom(...texts)
  const text = fc
    .tuple(
      part(
        '2025-01-01',
        '2025-02-28',
        '2025-02-29',
        '2025-13-01',
        '+02025-01-',
        '-000001-01',
        '0000-01-01',
        '2025-1-01',
      ),
      part('T', ' ', 't'),
      part('00', '23', '24', '2a'),
      part(':', '-'),
      part('00', '59', '60'),
      part(':00', ':59', ':60', ''),
      part('', '.', '.0', '.000', '.5', '.50', '.500000000', '.5000000000', ',5', '.05', '.5a'),
      part('Z', 'z', '', '+00', '+00:00', 'ZZ', ' Z'),
    )
    .map((parts) => parts.join(''))
  // Mostly two of one second, so that their fractions are what is compared.
  const pair = fc.oneof(
    fc.tuple(text, text),
    fc
      .tuple(text, part('Z', '.0Z', '.5Z', '.50Z', '.500000Z', '.05Z'))
      .map(([one, end]): [string, string] => [one, one.slice(0, 19) + end]),
  )
  fc.assert(
    fc.property(pair, ([a, b]) => {
      expect(same(a, b)).toBe(code(a) === code(b))
      expect(same(b, a)).toBe(code(a) === code(b))
    }),
    { numRuns: 2000 },
  )
})
