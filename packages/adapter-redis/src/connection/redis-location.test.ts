import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkLocation, locationName, type RedisLocation, resolveLocation } from './redis-location.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

function optionsOf(connection: RedisLocation['connection']): RedisOptions {
  const location = resolveLocation('test', { connection })
  if (location.kind !== 'server') throw new Error('it is a cluster')
  return location.options
}

describe('where the keys are', () => {
  it.each<[string, string, RedisOptions]>([
    ['redis://cache.example.org', 'cache.example.org:6379/0', { host: 'cache.example.org', port: 6379 }],
    [
      'redis://app:p%40ss%2F@cache.example.org:6380/3',
      'cache.example.org:6380/3',
      { host: 'cache.example.org', port: 6380, username: 'app', password: 'p@ss/', db: 3 },
    ],
    ['redis://:secret@cache/', 'cache:6379/0', { host: 'cache', port: 6379, password: 'secret' }],
    ['rediss://cache', 'cache:6379/0', { host: 'cache', port: 6379, tls: {} }],
    ['valkeys://cache:1234', 'cache:1234/0', { host: 'cache', port: 1234, tls: {} }],
    ['redis://[::1]:6380/1', '[::1]:6380/1', { host: '::1', port: 6380, db: 1 }],
    ['redis://cache?db=2&family=6', 'cache:6379/2', { host: 'cache', port: 6379, db: 2, family: 6 }],
    ['/run/redis.sock?db=4', '/run/redis.sock/4', { path: '/run/redis.sock', db: 4 }],
  ])('%s', (connection, name, options) => {
    expect(optionsOf(connection)).toEqual(options)
    expect(locationName({ connection })).toBe(name)
  })

  it('is what REDIS_URL says when nothing is given', () => {
    vi.stubEnv('REDIS_URL', 'redis://app:secret@cache:1/2')
    expect(locationName({})).toBe('cache:1/2')
    vi.stubEnv('REDIS_URL', '')
    expect(() => checkLocation('redisSource', {})).toThrow(
      /^redisSource: give connection, or set the variable REDIS_URL/,
    )
  })

  it('can be options, of a master that sentinels know too, and a client', () => {
    expect(optionsOf({ host: 'cache', username: 'app', tls: { ca: 'authority' } })).toEqual({
      host: 'cache',
      username: 'app',
      tls: { ca: 'authority' },
    })
    expect(
      locationName({ connection: { sentinels: [{ host: 's1', port: 1 }, { host: 's2' }], name: 'mymaster' } }),
    ).toBe('s1:1/mymaster/0')
    const client = new Redis('redis://app:secret@cache:7/5', {
      lazyConnect: true,
      keyPrefix: 'app:',
      commandTimeout: 9,
    })
    expect(locationName({ connection: client })).toBe('cache:7/5')
    expect(optionsOf(client)).toMatchObject({
      username: 'app',
      password: 'secret',
      keyPrefix: '',
      commandTimeout: undefined,
    })
  })

  it('can be a cluster, whose login and TLS may stand in a URL', () => {
    const connection = { cluster: ['rediss://app:secret@n1:7000', { host: 'n2', port: 7001 }] }
    expect(locationName({ connection })).toBe('n1:7000,n2:7001')
    expect(resolveLocation('test', { connection })).toMatchObject({
      kind: 'cluster',
      seeds: [
        { host: 'n1', port: 7000 },
        { host: 'n2', port: 7001 },
      ],
      options: { redisOptions: { username: 'app', password: 'secret', tls: {} } },
    })
    expect(locationName({ connection: { cluster: ['n1:7000', '[::1]:7001'] } })).toBe('n1:7000,[::1]:7001')
    const application = new Cluster(['redis://n1:7000', { host: 'n2', port: 7001 }], {
      lazyConnect: true,
      redisOptions: { password: 'secret' },
    })
    expect(resolveLocation('test', { connection: application })).toMatchObject({
      kind: 'cluster',
      name: 'n1:7000,n2:7001',
      options: { redisOptions: { password: 'secret' } },
    })
  })
})

describe('what is given as connection is refused without what is secret', () => {
  it.each<[string, unknown, RegExp]>([
    ['another URL', 'postgres://app:secret@db/chat', /begins with postgres:\/\//],
    ['no URL', 'cache:6379,password=secret', /is no URL/],
    ['a URL that cannot be read', 'redis://app:secret@cache:x/0', /cannot be read/],
    ['a URL whose password has a /', 'redis://app:12/secret@cache/0', /cannot be read.*\/ as %2F/],
    ['a URL whose password has a #', 'redis://app:12#secret@cache/0', /cannot be read.*# as %23/],
    ['a URL whose password has a ?', 'redis://app:12?secret@cache/0', /cannot be read.*\? as %3F/],
    ['a URL whose password has a %', 'redis://app:12%secret@cache/0', /% in a user name or password is written as %25/],
    ['a database that is no number', 'redis://app:secret@cache/sessions', /database that is no number/],
    ['a parameter nobody knows', 'redis://cache/0?ssl_cert_reqs=none', /parameter "ssl_cert_reqs"/],
    ['a mistyped option', { hots: 'cache', password: 'secret' }, /no option "hots"; did you mean "host"/],
    ['a wrong database', { db: -1, password: 'secret' }, /db is a whole number/],
    ['a prefix of ioredis', { keyPrefix: 'app:', password: 'secret' }, /leave keyPrefix out/],
    ['sentinels without a name', { sentinels: [{ host: 's' }], password: 'secret' }, /name of the master/],
    ['no node', { cluster: [] }, /one node at the least/],
    ['a node that is none', { cluster: [{ host: 'n', prt: 1 }] }, /no option "prt"/],
    ['a node that is no URL', { cluster: ['n:7000,password=secret'] }, /node of cluster is no URL/],
    ['an option that Cluster does not have', { cluster: ['redis://n'], options: { natMpa: {} } }, /"natMap"/],
    ['a database of a cluster', { cluster: ['redis://:secret@n/1'] }, /database 0 and no other/],
    ['a number', 6379, /is a URL, options of ioredis, nodes or a client/],
    ['a client of another package', { duplicate() {}, connect() {} }, /none of ioredis/],
  ])('%s', (_, connection, message) => {
    const check = () => checkLocation('test', { connection } as RedisLocation)
    expect(check).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
    expect(check).not.toThrow(/secret/)
  })
})
