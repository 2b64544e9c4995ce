import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field, LogicalType } from '../contracts/schema.js'
import type { Source } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { from } from '../flow/flow.js'
import { memorySource } from '../memory/memory-source.js'
import { addMetadata } from '../transformers/add-metadata.js'
import { type Verification, type VerifyOptions, verify } from './verify.js'

function sourceOf(records: readonly Row[], fields?: Readonly<Record<string, LogicalType>>): Source {
  const schema = fields && {
    fields: Object.entries(fields).map(([name, type]): Field => ({ name, type, nullable: true })),
  }
  return memorySource({ records, key: 'id', ...(schema === undefined ? {} : { schema }) })
}

function verified(
  expected: readonly Row[],
  actual: readonly Row[],
  options: Partial<VerifyOptions> = {},
): Promise<Verification> {
  return verify({ expected: sourceOf(expected), actual: sourceOf(actual), key: 'id', ...options })
}

const numbered = (count: number): Row[] =>
  Array.from({ length: count }, (_, id) => ({ id, content: `text ${id}`, n: id * 2 }))

describe('two sides with the same rows', () => {
  it('are equal, in whatever order they come', async () => {
    const rows = numbered(5000)
    expect(await verified(rows, rows.toReversed())).toMatchObject({
      equal: true,
      expected: { name: 'memory', rows: 5000, rejected: 0 },
      actual: { rows: 5000 },
      missing: 0,
      extra: 0,
      different: 0,
      complete: true,
      differences: [],
    })
  })

  it('are equal in whatever order their fields come, and if a field that is null is missing', async () => {
    const expected = [
      { id: 1, a: 1, b: 2, c: null },
      { id: 2, a: 1, b: 2, c: 3 },
    ]
    const actual = [
      { b: 2, a: 1, id: 1 },
      { c: 3, b: 2, a: 1, id: 2 },
    ]
    expect((await verified(expected, actual)).equal).toBe(true)
  })

  it('are equal if there are none', async () => {
    expect((await verified([], [])).equal).toBe(true)
  })
})

it('compares what the sink makes of a record with what is there, and counts what it makes nothing of', async () => {
  const actual = [
    { name: '1/0', n: 10 },
    { name: '2/0', n: 21 },
  ]
  const readsBackAs: VerifyOptions['readsBackAs'] = ({ n }, { source, child }) => {
    if (n === 3) throw new DroverError('RECORD_REFUSED', 'It is three.')
    return { name: `${source[0]}/${child}`, n: Number(n) * 10 }
  }
  const expected = sourceOf([1, 2, 3].map((id) => ({ id, n: id })))
  const found = await verify({
    expected,
    actual: memorySource({ records: actual, key: 'name' }),
    key: 'name',
    readsBackAs,
  })
  expect(found).toMatchObject({ expected: { rows: 2, rejected: 1 }, missing: 0, extra: 0, different: 1 })
  expect(found.differences).toEqual([{ kind: 'different', key: ['2/0'], fields: ['n'] }])
  const fails = (): never => {
    throw new TypeError('a fault of the sink')
  }
  await expect(verified([{ id: 1 }], [], { readsBackAs: fails })).rejects.toThrow('a fault of the sink')
  await expect(verified([], [], { readsBackAs: 1 as never })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})

it('names the keys that are missing, extra and different, and the fields that differ', async () => {
  const rows = numbered(5000)
  const actual = rows
    .filter(({ id }) => id !== 7)
    .map((row) => (row.id === 4000 ? { ...row, n: -1, content: null } : row))
    .concat({ id: 6000 })
  const found = await verified(rows, actual)
  expect(found).toMatchObject({ equal: false, missing: 1, extra: 1, different: 1, complete: true })
  expect(found.differences).toEqual([
    { kind: 'missing', key: [7] },
    { kind: 'different', key: [4000], fields: ['content', 'n'] },
    { kind: 'extra', key: [6000] },
  ])
})

it('lists the first twenty and counts them all', async () => {
  const found = await verified(numbered(100), [])
  expect(found.missing).toBe(100)
  expect(found.differences).toHaveLength(20)
})

it('finds what a plain comparison of all rows finds', async () => {
  const rows = fc.array(fc.record({ id: fc.integer({ min: 0, max: 9 }), v: fc.constantFrom('a', 'b', null) }), {
    maxLength: 12,
  })
  await fc.assert(
    fc.asyncProperty(rows, rows, async (expected, actual) => {
      const { equal, missing, extra, different } = await verified(expected, actual)
      const counts = plainComparison(expected, actual)
      expect({ missing, extra, different }).toEqual(counts)
      expect(equal).toBe(missing + extra + different === 0)
    }),
    { numRuns: 300 },
  )
})

it('finds the same with room for few rows, or says that it is the least', async () => {
  const rows = fc.array(fc.record({ id: fc.integer({ min: 0, max: 9 }), v: fc.constantFrom('a', 'b') }), {
    maxLength: 30,
  })
  const orders = fc.constantFrom('given', 'ascending', 'descending')
  const ordered = (given: readonly Row[], order: string): Row[] =>
    order === 'given'
      ? [...given]
      : given.toSorted((a, b) => (Number(a.id) - Number(b.id)) * (order === 'ascending' ? 1 : -1))
  await fc.assert(
    fc.asyncProperty(
      rows,
      rows,
      orders,
      orders,
      fc.integer({ min: 1, max: 8 }),
      async (a, b, orderA, orderB, maxKeys) => {
        const found = await verified(ordered(a, orderA), ordered(b, orderB), { maxKeys })
        const { missing, extra, different } = plainComparison(a, b)
        const sums = [found.missing, found.extra, found.different]
        if (found.complete) expect(sums).toEqual([missing, extra, different])
        expect(found.equal).toBe(missing + extra + different === 0)
        if (!found.equal) expect(found.missing + found.extra + found.different).toBeGreaterThan(0)
      },
    ),
    { numRuns: 150 },
  )
})

function plainComparison(expected: readonly Row[], actual: readonly Row[]) {
  const counts = { missing: 0, extra: 0, different: 0 }
  for (let id = 0; id < 10; id++) {
    const [wanted, got] = [expected, actual].map((rows) => rows.filter((row) => row.id === id).map(({ v }) => v)) as [
      unknown[],
      unknown[],
    ]
    for (const value of [...wanted]) {
      if (!got.includes(value)) continue
      got.splice(got.indexOf(value), 1)
      wanted.splice(wanted.indexOf(value), 1)
    }
    counts.different += Math.min(wanted.length, got.length)
    counts.missing += Math.max(0, wanted.length - got.length)
    counts.extra += Math.max(0, got.length - wanted.length)
  }
  return counts
}

describe('values', () => {
  const text = { kind: 'text' } as const
  const same = async (a: unknown, b: unknown, type?: LogicalType): Promise<boolean> => {
    const fields = type && { id: { kind: 'int', bits: 64 } as const, v: type }
    const expected = sourceOf([{ id: 1, v: a }], fields)
    return (
      await verify({ expected, actual: sourceOf([{ id: 1, v: b }], fields && { ...fields, v: text }), key: 'id' })
    ).equal
  }

  it.each<[string, unknown, unknown]>([
    ['a number and a bigint', 5, 5n],
    ['a large number and a bigint', 1e22, 10n ** 22n],
    ['0 and -0', 0, -0],
    ['NaN and NaN', Number.NaN, Number.NaN],
    ['null and missing', null, undefined],
    ['bytes of another class', new Uint8Array([1, 2]), Buffer.from([1, 2])],
    ['a Date and its text', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a vector and its shortest numbers', new Float32Array([0.1, -2]), [0.1, -2]],
    ['an object and its JSON', { a: 1, b: [null] }, '{"b": [null], "a": 1}'],
    ['members in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['large integers in JSON', { n: 12345678901234567890n }, '{"n":12345678901234567890}'],
  ])('%s are the same', async (_, a, b) => {
    expect(await same(a, b)).toBe(true)
  })

  it.each<[string, unknown, unknown]>([
    ['a number and its text', 5, '5'],
    ['null and an empty text', null, ''],
    ['a text and a text with a blank', 'a', 'a '],
    ['integers beyond what a double holds', 9007199254740992, 9007199254740993n],
    ['bytes and their base64', new Uint8Array([1, 2]), 'AQI='],
    ['JSON texts of which no side says that they are JSON', '{"a":1}', '{"a": 1}'],
    ['texts of one instant', '2025-01-01T00:00:00Z', '2025-01-01 00:00:00'],
    ['null and missing inside', { a: null }, {}],
    ['large integers in JSON', { n: 12345678901234567890n }, '{"n":12345678901234567891}'],
  ])('%s are not', async (_, a, b) => {
    expect(await same(a, b)).toBe(false)
  })

  it.each<[LogicalType, unknown, unknown, boolean]>([
    [{ kind: 'timestamp', zone: true, digits: 6 }, '2025-01-01T01:00:00.5+01:00', '2025-01-01 00:00:00.500', true],
    [{ kind: 'timestamp', zone: true, digits: 6 }, '2025-01-01T00:00:00Z', '2025-01-01T00:00:00.000001Z', false],
    [{ kind: 'timestamp', zone: true, digits: 6 }, new Date(5), 5, false],
    [{ kind: 'decimal' }, '1.50', '+01.5', true],
    [{ kind: 'decimal' }, '-0.0', '0', true],
    [{ kind: 'decimal' }, '10', '1', false],
    [{ kind: 'decimal' }, '', '0', false],
    [{ kind: 'decimal' }, '0.0000001', 1e-7, true],
    [{ kind: 'decimal' }, '-0.00000012', -1.2e-7, true],
    [{ kind: 'decimal' }, '0.0000001', 1e-8, false],
    [{ kind: 'decimal' }, '1230', '1.23E+3', true],
    [{ kind: 'decimal' }, 'NaN', Number.NaN, true],
    [{ kind: 'decimal' }, '-Infinity', Number.POSITIVE_INFINITY, false],
    [{ kind: 'boolean' }, true, 1, true],
    [{ kind: 'boolean' }, false, 0n, true],
    [{ kind: 'boolean' }, true, 2, false],
    [{ kind: 'uuid' }, 'ABC', 'abc', true],
    [{ kind: 'float', bits: 32 }, Math.fround(0.1), 0.1, true],
    [{ kind: 'float', bits: 32 }, 0.1, 0.2, false],
    [{ kind: 'vector', dimensions: 1 }, new Float32Array([0.1]), `[${Math.fround(0.1)}]`, true],
    [{ kind: 'json' }, '{"a":1}', '{ "a": 1 }', true],
    [{ kind: 'json' }, '{"a":1', '{"a":1', true],
    [{ kind: 'json' }, '"a"', 'a', false],
  ])('of a field that is described as %o: %o and %o: %s', async (type, a, b, expected) => {
    expect(await same(a, b, type)).toBe(expected)
  })

  it('keep their storage class where both sides say that each value has its own', async () => {
    const any = { v: { kind: 'any' } } as const
    const sides = (a: unknown, b: unknown) => ({
      expected: sourceOf([{ id: 1, v: a }], any),
      actual: sourceOf([{ id: 1, v: b }], any),
      key: 'id',
    })
    expect((await verify(sides(1n, 1n))).equal).toBe(true)
    expect((await verify(sides(1n, 1))).equal).toBe(false)
  })

  it('are compared as JSON where the option says so', async () => {
    expect((await verified([{ id: 1, v: '{"a":1}' }], [{ id: 1, v: '{"a": 1}' }], { json: ['v'] })).equal).toBe(true)
  })

  it('are not compared where they are ignored', async () => {
    const [expected, actual] = [[{ id: 1, v: 1, w: 1 }], [{ id: 1, v: 2, w: 1 }]]
    expect((await verified(expected, actual, { ignore: ['v'] })).equal).toBe(true)
    const changed = await verified(expected, [{ id: 1, v: 2, w: 2 }], { ignore: ['v'] })
    expect(changed.differences).toEqual([{ kind: 'different', key: [1], fields: ['w'] }])
  })
})

it('tells the side that is there what rows look like on the other one, for a store without types', async () => {
  const texts: Source = {
    ...sourceOf([]),
    connect: async (operation) => {
      const typed = operation.expected?.fields.map(({ name, type }) => [name, type.kind])
      const isInt = typed?.some(([name, kind]) => name === 'n' && kind === 'int')
      return sourceOf([{ id: 1, n: isInt ? 12 : '12' }]).connect(operation)
    },
  }
  expect((await verify({ expected: sourceOf([{ id: 1, n: 12 }]), actual: texts, key: 'id' })).equal).toBe(true)
})

it('takes keys of several fields, without mixing them up', async () => {
  const expected = [
    { id: 'a', part: 'b,c' },
    { id: 'a,b', part: 'c' },
  ]
  const options = { key: ['id', 'part'], actual: sourceOf([{ id: 'a', part: 'b,c' }]) } as const
  const found = await verify({ expected: sourceOf(expected), ...options })
  expect(found.differences).toEqual([{ kind: 'missing', key: ['a,b', 'c'] }])
  const numbers = {
    expected: sourceOf([{ id: 1, part: 23 }]),
    actual: sourceOf([{ id: 12, part: 3 }]),
    key: ['id', 'part'],
  }
  expect(await verify(numbers)).toMatchObject({ missing: 1, extra: 1, different: 0 })
})

it('refuses a key that a row does not have, with the names that it has', async () => {
  const refused = verified([{ id: 1, part: 2 }], [], { key: 'parts' })
  await expect(refused).rejects.toMatchObject({
    code: 'KEY_INVALID',
    message: expect.stringContaining('did you mean "part"'),
  })
})

describe('a flow', () => {
  const rows = numbered(10)
  const runStartedAt = new Date('2025-01-31T08:30:00Z')
  const written = rows.slice(1).map((row) => ({ ...row, metadata: '{"migrated_at":"2025-01-31T08:30:00.000Z"}' }))

  it('is run again over its source, by the clock of the run', async () => {
    const expected = from(sourceOf(rows))
      .filter({ id: { gt: 0 } })
      .pipe(addMetadata())
    const found = await verify({ expected, actual: sourceOf(written), key: 'id', runStartedAt })
    expect(found).toMatchObject({ equal: true, expected: { rows: 9 } })
    const later = await verify({ expected, actual: sourceOf(written), key: 'id', runStartedAt: new Date(0) })
    expect(later).toMatchObject({ different: 9, differences: [{ fields: ['metadata'] }, ...Array(8).fill({})] })
  })

  it('with a step that asks for the clock is refused without it', async () => {
    const options = {
      expected: from(sourceOf(rows)).pipe(addMetadata()),
      actual: sourceOf(written),
      key: 'id',
    } as const
    await expect(verify(options)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('pass runStartedAt'),
    })
  })

  it('may fan out, and be asynchronous', async () => {
    const expected = from(sourceOf(rows)).pipe(async (row) => [{ id: `${row.id}a` }, { id: `${row.id}b` }])
    const actual = sourceOf(rows.flatMap(({ id }) => [{ id: `${id}b` }, { id: `${id}a` }]))
    expect(await verify({ expected, actual, key: 'id' })).toMatchObject({ equal: true, expected: { rows: 20 } })
  })

  it('expects no record that a step rejects, and says how many there are', async () => {
    const expected = from(sourceOf(rows)).pipe((row) => {
      if (row.id === 3) throw new Error('no')
      return row
    })
    const found = await verify({ expected, actual: sourceOf(rows.filter(({ id }) => id !== 3)), key: 'id' })
    expect(found).toMatchObject({ equal: true, expected: { rows: 9, rejected: 1 } })
  })

  it('is opened and closed once, whatever happens', async () => {
    const calls: string[] = []
    const step = Object.assign((row: Row) => ({ ...row, n: 0 }), {
      traits: { name: 'x', open: () => void calls.push('open'), close: () => void calls.push('close') },
    })
    const actual = sourceOf(rows)
    await verify({ expected: from(sourceOf(rows)).pipe(step), actual, key: 'id' })
    expect(calls).toEqual(['open', 'close'])
    const broken: Source = { ...actual, connect: () => Promise.reject(new Error('down')) }
    await expect(verify({ expected: from(sourceOf(rows)).pipe(step), actual: broken, key: 'id' })).rejects.toThrow(
      'down',
    )
    expect(calls).toEqual(['open', 'close', 'open', 'close'])
  })
})

it('leaves no source open, also when a step cannot be opened', async () => {
  const inert = sourceOf([])
  let open = 0
  const source: Source = {
    ...inert,
    connect: async (operation) => {
      const session = await inert.connect(operation)
      open++
      const dispose = async () => void open--
      return {
        describe: () => session.describe(operation),
        read: (options) => session.read(options),
        [Symbol.asyncDispose]: dispose,
      }
    },
  }
  const openStep = () => Promise.reject(new Error('no model'))
  const step = Object.assign((row: Row) => row, { traits: { name: 'x', open: openStep } })
  await verify({ expected: source, actual: source, key: 'id' })
  await expect(verify({ expected: from(source).pipe(step), actual: source, key: 'id' })).rejects.toThrow('no model')
  expect(open).toBe(0)
})

it('is not equal if a row of the actual side cannot be read', async () => {
  const actual = sourceOf([{ id: 1 }, 5 as never])
  expect(await verify({ expected: sourceOf([{ id: 1 }]), actual, key: 'id' })).toMatchObject({
    equal: false,
    missing: 0,
    actual: { rows: 1, rejected: 1 },
  })
})

it('counts all that differs where both sides come by their keys, however few rows it may hold', async () => {
  const rows = numbered(5000)
  const actual = rows.filter(({ id }) => Number(id) % 10 > 0).map((row) => ({ ...row, n: -1 }))
  const found = await verified(rows, actual, { maxKeys: 100 })
  expect(found).toMatchObject({ equal: false, complete: true, missing: 500, extra: 0, different: 4500 })
  expect(found.differences.slice(0, 2)).toEqual([
    { kind: 'missing', key: [0] },
    { kind: 'different', key: [1], fields: ['n'] },
  ])
})

it('holds no more keys than it may in any other order, and says that the numbers are the least then', async () => {
  const rows = numbered(5000)
  const changed = rows.map((row) => ({ ...row, n: -1 }))
  const found = await verified(rows, changed.toReversed(), { maxKeys: 100 })
  expect(found).toMatchObject({ equal: false, complete: false, changedMeanwhile: false })
  expect(found.different).toBeGreaterThan(0)
  expect(found.different).toBeLessThanOrEqual(50)
})

describe('a side that changes while it is compared', () => {
  /** Gives what it holds by then, pass by pass. */
  function changing(...passes: readonly (readonly Row[])[]): Source {
    const records: Row[] = []
    const inert = sourceOf(records)
    let reads = 0
    return {
      ...inert,
      connect: async (operation) => {
        const session = await inert.connect(operation)
        const read: typeof session.read = (options) => {
          records.splice(0, records.length, ...(passes[Math.min(reads++, passes.length - 1)] as readonly Row[]))
          return session.read(options)
        }
        return { describe: () => session.describe(operation), read, [Symbol.asyncDispose]: async () => {} }
      },
    }
  }
  const rows = numbered(3000)

  it.each<[string, readonly Row[], readonly Row[], object]>([
    ['a row that comes', rows.slice(0, -1), rows, { kind: 'extra', key: [2999] }],
    ['a row that goes', [...rows, { id: 5000 }], rows, { kind: 'missing', key: [5000] }],
    ['a row that is changed', rows.with(1500, { ...rows[1500], n: 0 }), rows, { kind: 'different', key: [1500] }],
  ])('is not equal, with %s said of', async (_, first, second, difference) => {
    const found = await verify({ expected: changing(first, second), actual: sourceOf(rows), key: 'id' })
    expect(found).toMatchObject({ equal: false, changedMeanwhile: true })
    expect(found.differences).toEqual([expect.objectContaining({ ...difference, changedMeanwhile: true })])
  })

  it('is not taken to be one because its pages are cut shorter at the second look', async () => {
    const actual = sourceOf(rows)
    let reads = 0
    const learning: Source = {
      ...actual,
      connect: async (operation) => {
        const session = await actual.connect(operation)
        const read: typeof session.read = (options) => {
          const records = reads++ === 0 ? options.page.records : Math.min(options.page.records, 30)
          return session.read({ ...options, page: { ...options.page, records } })
        }
        return { describe: () => session.describe(operation), read, [Symbol.asyncDispose]: async () => {} }
      },
    }
    const found = await verify({ expected: sourceOf(rows.slice(0, -1)), actual: learning, key: 'id' })
    expect(found).toMatchObject({ equal: false, extra: 1, changedMeanwhile: false })
    expect(found.differences).toEqual([{ kind: 'extra', key: [2999] }])
  })

  it('is said of among differences that stay', async () => {
    const first = rows.with(5, { id: 5 }).with(2500, { id: 2500 })
    const expected = changing(first, first, rows.with(5, { id: 5 }))
    const { changedMeanwhile, differences } = await verify({ expected, actual: sourceOf(rows), key: 'id' })
    expect(changedMeanwhile).toBe(true)
    expect(differences.map((one) => [one.key, one.changedMeanwhile])).toEqual([
      [[5], undefined],
      [[2500], true],
    ])
  })

  it('is said of, too, where rows were added up, with nothing to show if nothing differs any more', async () => {
    const reversed = rows.toReversed()
    const first = reversed.with(5, { id: 2994 })
    const options = { actual: sourceOf(rows), key: 'id', maxKeys: 100 } as const
    const gone = await verify({ expected: changing(first, reversed), ...options })
    expect(gone).toMatchObject({ equal: false, changedMeanwhile: true, missing: 0, extra: 0, different: 0 })
    const other = await verify({ expected: changing(first, reversed.with(5, { id: 6000 })), ...options })
    expect(other).toMatchObject({ equal: false, changedMeanwhile: true })
    const same = await verify({ expected: changing(first), ...options })
    expect(same).toMatchObject({ equal: false, changedMeanwhile: false, different: 1 })
  })
})

it('gives up when its signal is aborted', async () => {
  const signal = AbortSignal.abort()
  await expect(verified(numbered(10), numbered(10), { signal })).rejects.toMatchObject({ code: 'ABORTED' })
})

it.each<[object, RegExp]>([
  [{ sample: 5 }, /no option "sample"/],
  [{ expected: undefined }, /expected is a source or a flow, not undefined/],
  [{ actual: { steps: [] } }, /actual is a source or a flow/],
  [{ key: [] }, /key names one or more fields/],
  [{ key: 5 }, /key is a text/],
  [{ ignore: 'a' }, /ignore is an array of field names/],
  [{ ignore: ['id'] }, /the key field "id" cannot be ignored/],
  [{ json: [1] }, /json is an array of field names/],
  [{ maxKeys: 0 }, /maxKeys is a whole number of at least 1/],
  [{ runStartedAt: '2025' }, /runStartedAt is a Date/],
])('refuses %o', async (wrong, message) => {
  const options = { expected: sourceOf([]), actual: sourceOf([]), key: 'id', ...wrong }
  await expect(verify(options as never)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringMatching(message),
  })
})
