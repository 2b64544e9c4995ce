import type { RecordSchema } from '@drover/core'
import { describe, expect, it, test } from 'vitest'
import { KeyBuffer, keysIn } from './key-buffer.js'
import { KeyTemplate } from './key-template.js'
import { redisSink } from './redis-sink.js'
import { SinkTarget } from './sink-target.js'

const url = 'redis://user:secret@localhost:1/0'
const cluster = { cluster: [{ host: 'localhost', port: 1 }] }

test('it says what it promises, without secrets', () => {
  const sink = redisSink({ connection: url, key: 'user:{id}', as: 'hash', onConflict: 'update' })
  expect(sink).toMatchObject({ guarantee: 'exactly-once', keyed: true, name: 'redis localhost:1/0 user:{id}' })
  expect(JSON.stringify(sink)).not.toContain('secret')
  expect(redisSink({ connection: url }).keyed).toBe(false)
  expect(redisSink({ connection: cluster, onConflict: 'skip' }).guarantee).toBe('idempotent')
  const tagged = redisSink({ connection: cluster as never, hashTag: 't', key: '{{t}}:{id}', as: 'hash' })
  expect(tagged.guarantee).toBe('exactly-once')
})

it.each([
  [{ keys: 'a' }, /no option "keys"/],
  [{ key: 'users' }, /names no field/],
  [{ key: 'a:{id' }, /single "\{"/],
  [{ as: 'text' }, /as is 'string'/],
  [{ as: 'list', key: 'a:{id}' }, /as: 'list' needs value/],
  [{ as: 'string', onConflict: { merge: ['a'] } }, /is for hashes/],
  [{ onConflict: 'replace' }, /onConflict is/],
  [{ hashTag: 'a', key: 'b:{id}', as: 'hash' }, /does not: write it with doubled braces, "\{\{a\}\}/],
  [{ batchSize: 0 }, /batchSize/],
  [{ value: '' }, /value is a text/],
  [{ connection: cluster }, /in a cluster onConflict/],
])('%o is refused', (options, message) => {
  expect(() => redisSink({ connection: url, ...options } as never)).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }),
  )
})

describe('a template', () => {
  const keyOf = (template: string, row: object) => KeyTemplate.parse('sink', template).keyOf(row as never)

  it('is filled with fields; braces that are doubled stay', () => {
    expect(keyOf('user:{id}', { id: 7 })).toBe('user:7')
    expect(keyOf('{a}{b}', { a: 1n, b: true })).toBe('1true')
    expect(keyOf('{{users}}:{id}', { id: 'x' })).toBe('{users}:x')
    expect(keyOf('user:{{{id}}}:profile', { id: 'x' })).toBe('user:{x}:profile')
    expect(keyOf('{at}', { at: new Date(0) })).toBe('1970-01-01T00:00:00.000Z')
  })

  it.each([null, undefined, Number.NaN, {}, new Date('?')])('refuses %o', (id) => {
    expect(() => keyOf('user:{id}', { id })).toThrow(/field "id"/)
  })
})

describe('records', () => {
  const text = { kind: 'text' } as const
  const schema = (fields: readonly string[], key: readonly string[]): RecordSchema => ({
    fields: fields.map((name) => ({ name, type: text, nullable: true })),
    key,
  })
  const target = (options: { as?: 'hash' | 'json' | 'string'; key?: string; value?: string }) =>
    new SinkTarget(
      {
        where: 'Redis here',
        policy: 'error',
        as: options.as,
        key: options.key === undefined ? null : KeyTemplate.parse('sink', options.key),
        value: options.value,
        expiresAt: undefined,
        merge: undefined,
        hashTag: undefined,
        readBack: undefined,
      },
      { hasJson: false, countsEntries: true },
    )

  it.each([
    [{ as: 'hash', key: 'a:{uid}' }, schema(['id'], []), /no field "uid"/],
    [{ as: 'hash', key: 'a:{tenant}' }, schema(['tenant', 'id'], ['tenant', 'id']), /the template key leaves out "id"/],
    [{ as: 'hash' }, schema(['key', 'id'], ['id']), /leaves out "id"/],
    [{ key: 'a:{id}' }, schema(['id'], ['id']), /no field "type"/],
    [{ as: 'string', key: 'a:{id}', value: 'body' }, schema(['id'], ['id']), /no field "body"/],
    [{ as: 'json', key: 'a:{id}' }, schema(['id'], ['id']), /no RedisJSON/],
  ] as const)('are refused before the first write: %o', (options, of, message) => {
    expect(() => target(options).prepare(of)).toThrow(
      expect.objectContaining({ code: 'SINK_NOT_READY', message: expect.stringMatching(message) }),
    )
  })

  it('may have a field of any type as JSON, not as a field of a hash', () => {
    const any: RecordSchema = { fields: [{ name: 'v', type: { kind: 'any' }, nullable: true }], key: [] }
    expect(target({ as: 'hash', key: '{v}' }).check(any)).toMatchObject([
      { field: 'v', remedy: expect.stringContaining('in a step') },
    ])
    expect(target({ as: 'string', key: '{v}' }).check(any)).toEqual([])
  })
})

describe('keys of a batch', () => {
  it('are each there once, as they were given, however many there are', () => {
    const buffer = new KeyBuffer()
    for (const round of [1, 2]) {
      const keys = Array.from({ length: 20_000 }, (_, i) =>
        i % 3 === 0 ? `ü${i}` : `key:${i}`.padEnd((i % 40) + 1, '-'),
      )
      const added = keys.map((key) => buffer.add(key))
      expect(
        added.every((found) => found === -1),
        String(round),
      ).toBe(true)
      expect(buffer.add(Buffer.from('ü9'))).toBe(9)
      expect(buffer.add(keys[19_999] as string)).toBe(19_999)
      expect(buffer.count).toBe(20_000)
      expect(buffer.list().map(String)).toEqual(keys)
      expect(keysIn(buffer.encoded).map(String)).toEqual(keys)
      buffer.clear()
    }
  })
})
