import { describe, expect, it } from 'vitest'
import type { RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { TransformContext } from '../flow/transformer.js'
import { builtInTransformers, transformerByName } from './by-name.js'
import { defaults } from './defaults.js'
import { mask } from './mask.js'
import { omit, pick } from './pick.js'
import { rename } from './rename.js'
import { setField } from './set-field.js'

const schema: RecordSchema = {
  fields: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, native: 'INTEGER' },
    { name: 'role', type: { kind: 'text' }, nullable: true },
    { name: 'body', type: { kind: 'text' }, nullable: true, native: 'CLOB' },
  ],
  key: ['id'],
}
const names = (described: RecordSchema | undefined): unknown => described?.fields.map(({ name }) => name)

function errorOf(act: () => unknown): DroverError {
  try {
    act()
  } catch (error) {
    if (DroverError.isInstance(error)) return error
  }
  throw new Error('It threw no DroverError.')
}

describe('pick', () => {
  it('keeps the fields in the order given, without those that are missing', () => {
    const picked = pick(['b', 'a', 'none'])({ a: null, b: undefined, c: 3 } as Row)
    expect(Object.entries(picked)).toEqual([
      ['b', undefined],
      ['a', null],
    ])
  })

  it('describes them, and keeps the key only whole', () => {
    expect(pick(['role', 'id']).traits.describe?.(schema)).toEqual({
      fields: [schema.fields[1], schema.fields[0]],
      key: ['id'],
    })
    expect(pick(['role']).traits.describe?.(schema).key).toEqual([])
  })
})

describe('omit', () => {
  it('keeps all other fields, in their order', () => {
    expect(Object.entries(omit(['b'])({ c: 1, b: 2, a: 3 }))).toEqual([
      ['c', 1],
      ['a', 3],
    ])
  })

  it('describes what is left', () => {
    expect(names(omit(['body']).traits.describe?.(schema))).toEqual(['id', 'role'])
    expect(omit(['id']).traits.describe?.(schema).key).toEqual([])
  })
})

describe('rename', () => {
  it('changes names in their place, all at once', () => {
    expect(Object.entries(rename({ a: 'b', b: 'a' })({ x: 0, a: 1, b: 2 }))).toEqual([
      ['x', 0],
      ['b', 1],
      ['a', 2],
    ])
  })

  it('rejects a record in which two values would get one name, in whatever order they stand', () => {
    for (const record of [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ])
      expect(errorOf(() => rename({ a: 'b' })(record)).code).toBe('TRANSFORM_FAILED')
  })

  it('takes names that the prototype of objects knows', () => {
    expect(rename({ a: 'toString' })({ a: 1, constructor: 2 } as Row)).toEqual({ toString: 1, constructor: 2 })
  })

  it('describes the new names, also in the key', () => {
    const described = rename({ id: 'key' }).traits.describe?.(schema)
    expect(described?.key).toEqual(['key'])
    expect(described?.fields[0]).toEqual({ ...schema.fields[0], name: 'key' })
  })

  it.each([{}, { a: '' }, { a: 'x', b: 'x' }, ['a'], { a: 1 }])('refuses %j', (wrong) => {
    expect(errorOf(() => rename(wrong as never)).code).toBe('OPTION_INVALID')
  })
})

describe('setField', () => {
  it('gives the function the fields it reads, and sets the target', () => {
    expect(setField('sum', ['a', 'b'], (a, b) => Number(a) + Number(b))({ a: 1, b: 2, sum: 'x' })).toEqual({
      a: 1,
      b: 2,
      sum: 3,
    })
  })

  it('says what it reads and writes, and describes the target if it was told the type', () => {
    expect(setField('n', ['a'], () => 1).traits).toMatchObject({ reads: ['a'], writes: ['n'] })
    expect(setField('n', ['a'], () => 1).traits.describe).toBeUndefined()
    const typed = setField('n', ['body'], () => 1, { type: { kind: 'int', bits: 32 } })
    expect(typed.traits.describe?.(schema).fields[3]).toEqual({
      name: 'n',
      type: { kind: 'int', bits: 32 },
      nullable: true,
    })
  })

  it('refuses a promise, of which nobody would take the value', () => {
    const step = setField('n', ['a'], async () => {
      throw new Error('late')
    })
    expect(errorOf(() => step({ a: 1 })).code).toBe('TRANSFORM_INVALID_RESULT')
  })

  it('refuses what is no function', () => {
    expect(errorOf(() => setField('n', ['a'], 5 as never)).code).toBe('OPTION_INVALID')
  })
})

describe('defaults', () => {
  it('fills null and missing, and nothing else', () => {
    const step = defaults({ a: 1, b: 'x', c: false, d: 0n, e: 9 })
    expect(step({ a: null, b: '', c: undefined, e: 0 })).toEqual({ a: 1, b: '', c: false, d: 0n, e: 0 })
  })

  it('gives each record an object of its own', () => {
    const tags = { list: ['a'] }
    const step = defaults({ tags })
    const first = step({}) as { tags: typeof tags }
    first.tags.list.push('b')
    expect(step({})).toEqual({ tags: { list: ['a'] } })
  })

  it('describes new fields by their value, and fields that are there as no longer null', () => {
    const described = defaults({ role: 'user', n: 1, f: 0.5, ok: true, big: 1n, o: {} }).traits.describe?.(schema)
    expect(described?.fields.map(({ name, type, nullable }) => [name, type.kind, nullable])).toEqual([
      ['id', 'int', false],
      ['role', 'text', false],
      ['body', 'text', true],
      ['n', 'int', false],
      ['f', 'float', false],
      ['ok', 'boolean', false],
      ['big', 'int', false],
      ['o', 'json', false],
    ])
  })
})

describe('mask', () => {
  const masked = (text: unknown, options?: { keep?: number; with?: string }): unknown =>
    (mask(['t'], options)({ t: text }) as Row).t

  it('hides each character by code point', () => {
    expect(masked('a\u{1F600}b')).toBe('***')
    expect(masked('')).toBe('')
    expect(masked('secret', { with: '•' })).toBe('••••••')
  })

  it('keeps the end readable, but no whole text', () => {
    expect(masked('4111111111111111', { keep: 4 })).toBe('************1111')
    expect(masked('x\u{1F600}y', { keep: 2 })).toBe('*\u{1F600}y')
    expect(masked('1111', { keep: 4 })).toBe('****')
    expect(masked('1', { keep: 4 })).toBe('*')
  })

  it('leaves null and missing', () => {
    expect(mask(['a', 'b'])({ a: null } as Row)).toEqual({ a: null })
  })

  it('lets nothing through that is no text, and does not tell it', () => {
    const error = errorOf(() => masked(4111))
    expect(error.code).toBe('TRANSFORM_FAILED')
    expect(error.message).toContain('field "t" holds a number')
    expect(error.message).not.toContain('4111')
  })

  it.each([{ keep: -1 }, { keep: 1.5 }, { with: '' }, { with: 'xx' }, { keeps: 1 }])('refuses %j', (options) => {
    expect(errorOf(() => mask(['a'], options as never)).code).toBe('OPTION_INVALID')
  })

  it('describes the field as text', () => {
    expect(mask(['body']).traits.describe?.(schema).fields[2]).toEqual({
      name: 'body',
      type: { kind: 'text' },
      nullable: true,
    })
  })
})

describe('every one of them', () => {
  const context = { runStartedAt: new Date(0), signal: new AbortController().signal }
  const steps = {
    addMetadata: builtInTransformers.addMetadata(),
    defaults: defaults({ c: 1 }),
    mask: mask(['a']),
    normalizeTimestamps: builtInTransformers.normalizeTimestamps(['at']),
    omit: omit(['a']),
    pick: pick(['a']),
    rename: rename({ a: 'z' }),
    setField: setField('a', ['a'], () => 1),
  }

  it('leaves the record it is given as it is', () => {
    for (const step of Object.values(steps)) {
      const record = Object.freeze({ a: 'x', at: 0, metadata: Object.freeze({ b: 1 }) })
      ;(step as (record: Row, context: TransformContext) => unknown)(record, context)
      expect(record).toEqual({ a: 'x', at: 0, metadata: { b: 1 } })
    }
  })

  it('takes a field called __proto__ for what it is', () => {
    const record: Row = JSON.parse('{"__proto__":{"x":1},"a":2}')
    for (const result of [
      pick(['__proto__', 'a'])(record),
      omit(['b'])(record),
      rename({ b: 'c' })(record),
      mask(['b'])(record),
    ]) {
      expect(JSON.stringify(result)).toBe('{"__proto__":{"x":1},"a":2}')
    }
  })

  it('is found by its name, which is also the name of its traits', () => {
    expect(Object.keys(builtInTransformers)).toEqual(Object.keys(steps))
    for (const [name, step] of Object.entries(steps)) {
      expect(step.traits.name).toBe(name)
      expect(transformerByName(name)).toBeTypeOf('function')
    }
  })

  it('has a version of its own for other arguments, and the same for the same', () => {
    expect(pick(['a']).traits.version).toBe(pick(['a']).traits.version)
    expect(pick(['a']).traits.version).not.toBe(pick(['a', 'b']).traits.version)
    expect(mask(['a']).traits.version).not.toBe(mask(['a'], { keep: 1 }).traits.version)
    expect(defaults({ a: 1 }).traits.version).not.toBe(defaults({ a: 1n }).traits.version)
    expect(setField('a', ['b'], () => 1, { version: '2' }).traits.version).not.toBe(
      setField('a', ['b'], () => 1).traits.version,
    )
  })

  it('that does not exist is refused with the nearest names and the list', () => {
    const error = errorOf(() => transformerByName('normaliseTimestamps'))
    expect(error.code).toBe('NAME_UNKNOWN')
    expect(error.message).toContain('did you mean "normalizeTimestamps"? There are: addMetadata, defaults')
    expect(errorOf(() => transformerByName('toString')).code).toBe('NAME_UNKNOWN')
  })
})
