import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field, LogicalType } from '../contracts/schema.js'
import type { Source } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import { memorySource } from '../memory/memory-source.js'
import { NearValues, type Tolerance, type VerifyTolerance } from './tolerance.js'
import { type VerifyOptions, verify } from './verify.js'

const float: LogicalType = { kind: 'float', bits: 64 }
const int: LogicalType = { kind: 'int', bits: 64 }
const vector: LogicalType = { kind: 'vector', dimensions: 3 }

function sourceOf(records: readonly Row[], types: Readonly<Record<string, LogicalType>>): Source {
  const fields = Object.entries({ id: int, ...types }).map(([name, type]): Field => ({ name, type, nullable: true }))
  return memorySource({ records, key: 'id', schema: { fields } })
}

async function areSame(a: unknown, b: unknown, type: LogicalType, tolerance: VerifyTolerance): Promise<boolean> {
  const sides = { expected: sourceOf([{ id: 1, v: a }], { v: type }), actual: sourceOf([{ id: 1, v: b }], { v: type }) }
  return (await verify({ ...sides, key: 'id', tolerance })).equal
}

describe('a field with a tolerance', () => {
  const cases: [unknown, unknown, LogicalType, Tolerance, boolean][] = [
    [1, 1.05, float, { absolute: 0.1 }, true],
    [1, 1.15, float, { absolute: 0.1 }, false],
    [-0.04, 0.04, float, { absolute: 0.1 }, true],
    [1000, 1000.9, float, { relative: 0.001 }, true],
    [1000, 1002, float, { relative: 0.001 }, false],
    [-1000, 1000, float, { relative: 0.001 }, false],
    [0, 1e-300, float, { relative: 0.5 }, false],
    [0, 0.05, float, { relative: 0.5, absolute: 0.1 }, true],
    [100, 140, float, { relative: 0.5, absolute: 0.1 }, true],
    [1, 1, float, { absolute: 0 }, true],
    [Number.NaN, Number.NaN, float, { absolute: 1 }, true],
    [Number.NaN, 1, float, { absolute: 1 }, false],
    [Number.POSITIVE_INFINITY, Number.MAX_VALUE, float, { relative: 0.9 }, false],
    [null, 0, float, { absolute: 1 }, false],
    [null, undefined, float, { absolute: 1 }, true],
    [10, 11n, int, { absolute: 1 }, true],
    [2n ** 60n, 2n ** 60n + 2n, int, { absolute: 1 }, false],
    [2n ** 60n, 2n ** 60n + 1n, int, { absolute: 1 }, true],
    ['1.50', '1.51', { kind: 'decimal' }, { absolute: 0.011 }, true],
    ['1.50', '1.53', { kind: 'decimal' }, { absolute: 0.011 }, false],
    ['abc', 'abd', { kind: 'text' }, { absolute: 1 }, false],
    [Float32Array.of(3, 4, 0), [3, 4.004, 0], vector, { relative: 0.001 }, true],
    [Float32Array.of(3, 4, 0), [3.004, 4.004, 0], vector, { relative: 0.001 }, false],
    [Float32Array.of(3, 4, 0), '[3,4,0.004]', vector, { relative: 0.001 }, true],
    [Float32Array.of(3, 4, 0), [3, 4], vector, { relative: 0.9 }, false],
    [Float32Array.of(3, 4, 0), [3, 4, null], vector, { relative: 0.9 }, false],
    [5, [5.1], float, { absolute: 1 }, false],
  ]
  it.each(cases)('%o and %o (%o, %o): %o', async (a, b, type, tolerance, same) => {
    expect(await areSame(a, b, type, { fields: { v: tolerance } })).toBe(same)
    expect(await areSame(b, a, type, { fields: { v: tolerance } })).toBe(same)
  })

  describe('that a store keeps less of than was written', () => {
    const cosine: LogicalType = { ...vector, isNormalized: true }
    const half: LogicalType = { ...vector, bits: 16 }
    const several: LogicalType = { kind: 'list', of: cosine }
    it.each<[unknown, unknown, LogicalType, boolean]>([
      [[3, 4, 0], Float32Array.of(0.6, 0.8, 0), cosine, true],
      [[3, 4, 0], Float32Array.of(0.6, 0.8000001, 0), cosine, true],
      [[3, 4, 0], Float32Array.of(0.6, 0.8001, 0), cosine, false],
      [[3, 4, 0], Float32Array.of(-0.6, -0.8, 0), cosine, false],
      [[0, 0, 0], Float32Array.of(0, 0, 0), cosine, true],
      [[3, 4, 0], null, cosine, false],
      [[0.1, 0.2, 0.3], Float32Array.of(0.0999755859375, 0.199951171875, 0.300048828125), half, true],
      [[0.1, 0.2, 0.3], Float32Array.of(0.1, 0.2, 0.31), half, false],
      [
        [
          [3, 4, 0],
          [0, 0, 2],
        ],
        [Float32Array.of(0.6, 0.8, 0), Float32Array.of(0, 0, 1)],
        several,
        true,
      ],
      [
        [
          [3, 4, 0],
          [0, 0, 2],
        ],
        [Float32Array.of(0.6, 0.8, 0), Float32Array.of(0, 1, 0)],
        several,
        false,
      ],
      [
        [
          [3, 4, 0],
          [0, 0, 2],
        ],
        [Float32Array.of(0.6, 0.8, 0)],
        several,
        false,
      ],
      [[3, 4, 0], Float32Array.of(0.6, 0.8, 0), vector, false],
    ])('%o and %o (%o): %o', async (written, kept, type, same) => {
      const expected = sourceOf([{ id: 1, v: written }], { v: { kind: 'list', of: float } })
      const actual = sourceOf([{ id: 1, v: kept }], { v: type })
      expect((await verify({ expected, actual, key: 'id' })).equal).toBe(same)
    })
  })

  it('may be one of those that hold fractions, and of no other, by default', async () => {
    const usual = { default: { absolute: 0.1 } }
    expect(await areSame(1, 1.05, float, usual)).toBe(true)
    expect(await areSame(Float32Array.of(1, 0, 0), Float32Array.of(1, 0.05, 0), vector, usual)).toBe(true)
    expect(await areSame([1, 0], [1, 0.05], { kind: 'list', of: float }, usual)).toBe(true)
    expect(await areSame(1, 2, int, { default: { absolute: 5 } })).toBe(false)
    expect(await areSame('1.50', '1.51', { kind: 'decimal' }, usual)).toBe(false)
    expect(await areSame(1, 1.05, float, { ...usual, fields: { v: { absolute: 0.01 } } })).toBe(false)
  })

  it('has no code that two values share which are not near', () => {
    const size = fc.oneof(fc.double({ noNaN: true }), fc.double({ min: -100, max: 100, noNaN: true }))
    const share = fc.constantFrom(0, 1e-15, 1e-9, 0.001, 0.5)
    // Even steps: doubles as fast-check makes them are mostly tiny.
    const steps = fc.integer({ min: -200, max: 200 }).map((step) => step / 100)
    fc.assert(
      fc.property(size, steps, share, share, (a, by, absolute, relative) => {
        const near = new NearValues({ absolute, relative }, [float])
        const b = a + by * Math.max(absolute, relative * Math.abs(a))
        return near.cell(a) !== near.cell(b) || near.isNear(a, b)
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('rows with such fields', () => {
  const types = { x: float, n: int }
  const rows = (count: number, noise: number): Row[] =>
    Array.from({ length: count }, (_, id) => ({ id, x: id / 7 + (id % 2 ? noise : -noise), n: id }))
  const compare = (expected: Row[], actual: Row[], options: Partial<VerifyOptions> = {}) => {
    const sides = { expected: sourceOf(expected, types), actual: sourceOf(actual, types) }
    return verify({ ...sides, key: 'id', tolerance: { default: { absolute: 1e-6 } }, ...options })
  }

  it('are the same however many of them have to be looked at, with few in memory', async () => {
    const found = await compare(rows(3000, 0), rows(3000, 0.9e-6), { maxKeys: 200 })
    expect(found).toMatchObject({ equal: true, complete: true, different: 0, differences: [] })
  })

  it('are told apart where one of them is too far off, or differs in another field', async () => {
    const actual = rows(3000, 1e-7)
    actual[2999] = { ...actual[2999], x: 5 }
    actual[17] = { ...actual[17], n: -1 }
    actual.push({ id: 9999, x: 1, n: 1 })
    const found = await compare(rows(3000, 0), actual)
    expect(found).toMatchObject({ equal: false, different: 2, extra: 1, missing: 0 })
    expect(found.differences).toEqual(
      expect.arrayContaining([
        { kind: 'different', key: [2999], fields: ['x'] },
        { kind: 'different', key: [17], fields: ['n'] },
      ]),
    )
  })

  it('are not the same where one is there twice', async () => {
    const actual = rows(100, 1e-7)
    expect(await compare(rows(100, 0), [...actual, { ...actual[5] }])).toMatchObject({ equal: false, extra: 1 })
  })
})

it.each<[unknown, RegExp]>([
  [5, /tolerance is an object, not 5/],
  [{ absolute: 1 }, /no option "absolute"/],
  [{ default: 1 }, /tolerance\.default is an object with absolute or relative/],
  [{ default: {} }, /tolerance\.default has absolute, relative, or both/],
  [{ default: { epsilon: 1 } }, /no option "epsilon"/],
  [{ default: { absolute: -1 } }, /absolute is a finite number from 0 on/],
  [{ default: { relative: 1 } }, /relative is a finite number from 0 on and below 1/],
  [{ fields: [] }, /tolerance\.fields is an object/],
  [{ fields: { scor: { absolute: 1 } } }, /names "scor", which neither side has.*score/],
  [{ fields: { id: { absolute: 1 } } }, /"id" is part of the key/],
  [{ fields: { note: { absolute: 1 } } }, /"note" is ignored/],
])('refuses the tolerance %o', async (tolerance, message) => {
  const side = sourceOf([{ id: 1, score: 1, note: '' }], { score: float, note: { kind: 'text' } })
  const options = { expected: side, actual: side, key: 'id', ignore: ['note'], tolerance }
  await expect(verify(options as never)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringMatching(message),
  })
})
