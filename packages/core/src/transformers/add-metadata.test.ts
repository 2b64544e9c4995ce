import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field } from '../contracts/schema.js'
import { DroverError } from '../errors/drover-error.js'
import { addMetadata } from './add-metadata.js'
import { withMember } from './json-text.js'

const context = { runStartedAt: new Date('2025-01-31T08:30:00.000Z'), signal: new AbortController().signal }
const migrated_at = '2025-01-31T08:30:00.000Z'
const metadataOf = (metadata: unknown): unknown => addMetadata()({ id: 1, metadata }, context).metadata

it('adds when the run started, not the time of the call', () => {
  expect(addMetadata()({ id: 1 }, context)).toEqual({ id: 1, metadata: { migrated_at } })
})

it('serves several runs', () => {
  const step = addMetadata()
  step({ id: 1 }, context)
  const later = { ...context, runStartedAt: new Date(1000) }
  expect(step({ id: 1 }, later)).toEqual({ id: 1, metadata: { migrated_at: '1970-01-01T00:00:01.000Z' } })
})

it('merges into the object that is there, and leaves that one alone', () => {
  const metadata = { tags: ['a'], migrated_at: 'before' }
  expect(metadataOf(metadata)).toEqual({ tags: ['a'], migrated_at })
  expect(metadata.migrated_at).toBe('before')
})

it('makes an object of null', () => {
  expect(metadataOf(null)).toEqual({ migrated_at })
})

describe('a JSON text', () => {
  it.each([
    ['{}', `{"migrated_at":"${migrated_at}"}`],
    [' { } ', ` { "migrated_at":"${migrated_at}"} `],
    ['{"n":12345678901234567890,"x":1.0}', `{"n":12345678901234567890,"x":1.0,"migrated_at":"${migrated_at}"}`],
    ['{"a":{"migrated_at":1},"b":"}"}', `{"a":{"migrated_at":1},"b":"}","migrated_at":"${migrated_at}"}`],
    ['{"migrated_at": null, "b": [1, 2]}', `{"migrated_at": "${migrated_at}", "b": [1, 2]}`],
    [
      '{"a":"migrated_at","migrated_at":{"x":[1,{}]},"b":2}',
      `{"a":"migrated_at","migrated_at":"${migrated_at}","b":2}`,
    ],
    ['{"migrated\\u005fat" :[ 1 ] }', `{"migrated\\u005fat" :"${migrated_at}" }`],
  ])('%s stays one, and keeps all else as it is written', (text, expected) => {
    expect(metadataOf(text)).toBe(expected)
    expect(JSON.parse(expected)).toMatchObject({ migrated_at })
  })

  it('holds afterwards what it held, whatever that was', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.string(), fc.constant('m')), fc.jsonValue()),
        fc.constantFrom(0, 2, '\t'),
        (object, indent) => {
          const text = JSON.stringify(object, null, indent)
          const edited = withMember(text, 'm', '[1]')
          expect(JSON.parse(edited ?? 'null')).toEqual({ ...JSON.parse(text), m: [1] })
        },
      ),
      { numRuns: 2000 },
    )
  })
})

it.each(['text', '', '[1]', '5', 'null', '{"a":1', 5, true, ['a'], new Date(0), new Uint8Array(1)])(
  'refuses %o',
  (metadata) => {
    expect(() => metadataOf(metadata)).toThrow(DroverError)
    expect(() => metadataOf(metadata)).toThrow(/addMetadata: the field "metadata" holds/)
  },
)

describe('describes the field', () => {
  const text: Field = { name: 'metadata', type: { kind: 'text' }, nullable: false, native: 'TEXT' }
  const described = (field?: Field) => addMetadata().traits.describe?.({ fields: field ? [field] : [], key: [] }).fields

  it('as JSON where there was none, or a text that could be null', () => {
    expect(described()).toEqual([{ name: 'metadata', type: { kind: 'json' }, nullable: false }])
    expect(described({ ...text, nullable: true })).toEqual([
      { name: 'metadata', type: { kind: 'json' }, nullable: false },
    ])
  })

  it('as the text or struct that it stays', () => {
    expect(described(text)).toEqual([text])
    const struct = {
      ...text,
      type: { kind: 'struct', fields: [{ name: 'a', type: { kind: 'text' }, nullable: true }] },
    } as const
    expect(described(struct)).toMatchObject([{ type: { fields: [{ name: 'a' }, { name: 'migrated_at' }] } }])
  })
})
