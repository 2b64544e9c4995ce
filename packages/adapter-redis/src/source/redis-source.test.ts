import type { Row, Source } from '@drover/core'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { RedisHash, RedisList, RedisRecord, RedisString } from './redis-record.js'
import { type RedisBytesRecordOf, redisSource } from './redis-source.js'

const connection = 'redis://user:secret@cache.example.org:6380/3'
const refusal = (options: object) => {
  try {
    redisSource(options)
  } catch (error) {
    return error as Error
  }
  return undefined
}

describe('the options of redisSource', () => {
  test.each([
    [{ keyPrefx: 'a' }, /there is no option "keyPrefx"; did you mean "keyPrefix"\?.*match.*types/],
    [{ keyPrefix: 'a', match: 'b' }, /either keyPrefix, .* or match/],
    [{ keyPrefix: 7 }, /keyPrefix is a text, not 7/],
    [{ match: '' }, /match is a text that is not empty/],
    [
      { types: 'hashes' },
      /there is no type "hashes"; did you mean "hash"\? There are: string, hash, list, set, zset, stream, json/,
    ],
    [{ types: [] }, /types names at least one of/],
    [{ types: [7] }, /types is a type or a list of types, not 7/],
    [{ decodeResponses: 'yes' }, /decodeResponses is true or false/],
    [{ maxValueBytes: 0 }, /maxValueBytes is a whole number of at least 1/],
    [{ scanCount: 0.5 }, /scanCount is a whole number of at least 1/],
    [{ name: '' }, /name is a text that is not empty/],
  ])('are refused if they are %j', (options, message) => {
    expect(refusal({ connection, ...options })).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(message),
    })
  })

  test('name the source by server and pattern, without a secret', () => {
    expect(redisSource({ connection }).name).toBe('redis cache.example.org:6380/3 checkpoint:*')
    expect(redisSource({ connection, match: 'a:*:b' }).name).toBe('redis cache.example.org:6380/3 a:*:b')
    expect(redisSource({ connection, name: 'sessions' }).name).toBe('sessions')
  })

  test('that change what records there are, or what they look like, change the version', () => {
    const versions = [
      {},
      { types: 'hash' as const },
      { types: ['hash', 'list'] as const },
      { decodeResponses: false },
      { maxValueBytes: 1_000 },
    ].map((options) => redisSource({ connection, ...options }).version)
    expect(new Set(versions).size).toBe(versions.length)
    expect(redisSource({ connection, types: ['list', 'hash', 'list'] }).version).toBe(versions[2])
    expect(redisSource({ connection, scanCount: 5 }).version).toBe(versions[0])
  })

  test('say which records there are', () => {
    expectTypeOf(redisSource({ connection })).toEqualTypeOf<Source<RedisRecord>>()
    expectTypeOf(redisSource({ connection, types: 'hash' })).toEqualTypeOf<Source<RedisHash>>()
    expectTypeOf(redisSource({ connection, types: ['string', 'list'] })).toEqualTypeOf<
      Source<RedisString | RedisList>
    >()
    expectTypeOf(redisSource({ connection, types: 'string', decodeResponses: false })).toEqualTypeOf<
      Source<RedisBytesRecordOf<'string'>>
    >()
    expectTypeOf(redisSource({ connection })).toExtend<Source<Row>>()
  })
})
