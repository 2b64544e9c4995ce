import knex from 'knex'
import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkLocation, locationName, type PostgresLocation, resolveLocation } from './postgres-location.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

function configOf(connection: NonNullable<PostgresLocation['connection']>): pg.PoolConfig {
  const location = resolveLocation('test', { connection })
  if (location.kind !== 'own') throw new Error(`it is a ${location.kind}`)
  return location.target.config
}

describe('where the database is', () => {
  it.each([
    'postgres://app:p%40ss@db.example.org:5433/chat',
    'postgresql://app:p%40ss@db.example.org:5433/chat',
    'postgresql+asyncpg://app:p%40ss@db.example.org:5433/chat',
    'postgres+psycopg2://app:p%40ss@db.example.org:5433/chat',
  ])('%s', (connection) => {
    expect(configOf(connection)).toMatchObject({
      host: 'db.example.org',
      port: 5433,
      user: 'app',
      password: 'p@ss',
      database: 'chat',
    })
    expect(locationName({ connection })).toBe('db.example.org:5433/chat')
  })

  it('is what DATABASE_URL says when nothing is given', () => {
    vi.stubEnv('DATABASE_URL', 'postgresql+asyncpg://app:secret@db/chat')
    expect(locationName({})).toBe('db/chat')
    vi.stubEnv('DATABASE_URL', '')
    expect(() => checkLocation('postgresSource', {})).toThrow(/postgresSource: give connection, or set .* DATABASE_URL/)
  })

  it('takes what is given beside a URL before the URL, and leaves the rest as it is', () => {
    const password = () => 'rotates'
    const ssl = { ca: 'authority' }
    const config = configOf({ connectionString: 'postgres://app@db/chat?sslmode=disable', password, ssl, max: 3 })
    expect(config).toMatchObject({ host: 'db', user: 'app', password, ssl, max: 3 })
  })

  it('is completed as libpq does, from PGHOST and so on', () => {
    vi.stubEnv('PGHOST', 'elsewhere')
    vi.stubEnv('PGDATABASE', 'chat')
    expect(locationName({ connection: { user: 'app' } })).toBe('elsewhere/chat')
  })

  it("reads asyncpg's ssl as sslmode", () => {
    expect(configOf('postgresql+asyncpg://db/chat?ssl=disable').ssl).toBe(false)
    expect(configOf('postgresql+asyncpg://db/chat?a=b&ssl=no-verify').ssl).toEqual({ rejectUnauthorized: false })
    expect(configOf('postgres://db/chat').ssl).toBe(false)
  })

  it('can be a Unix socket', () => {
    expect(locationName({ connection: 'postgres:///chat?host=/var/run/postgresql' })).toBe('/var/run/postgresql/chat')
  })
})

describe('what is given as connection', () => {
  const url = 'postgres://app:secret@db/chat'
  it('a pool or knex instance, named without its secret', async () => {
    const pool = new pg.Pool({ connectionString: url })
    expect(resolveLocation('test', { connection: pool })).toEqual({ kind: 'pool', name: 'db/chat', pool })
    const instance = knex({ client: 'pg', connection: url })
    expect(resolveLocation('test', { connection: instance })).toMatchObject({ kind: 'knex', name: 'db/chat' })
    const late = knex({ client: 'pg', connection: async () => ({ host: 'db' }) })
    expect(locationName({ connection: late })).toBe('the given pool')
  })

  it.each<[string, unknown, RegExp]>([
    ['a single client', new pg.Client(url), /single client.*would land in Drover's transactions/],
    ['a client of a pool', { query: () => {}, release: () => {} }, /single client/],
    [
      'a knex instance for another database',
      knex({ client: 'better-sqlite3', useNullAsDefault: true }),
      /"better-sqlite3"/,
    ],
    ['a function', () => url, /no knex instance/],
    ['a number', 5, /is a URL, a configuration, a pool or a knex instance/],
    ['another URL', 'mysql://app:secret@db/chat', /begins with mysql:\/\//],
    ['no URL', 'host=db password=secret', /is no URL/],
    ['a URL that cannot be read', 'postgres://app:se/cret@db:x/chat', /cannot be read/],
    ['a URL whose password has a #', 'postgres://app:secret@x#y@db/chat', /cannot be read.*written as %40/],
    ['a URL whose password has digits and a /', 'postgres://app:12/secret@db/chat', /cannot be read.*written as %40/],
    ['a mistyped option', { hots: 'db' }, /no option "hots"; did you mean "host"/],
  ])('not %s', (_, connection, message) => {
    const check = () => checkLocation('test', { connection } as PostgresLocation)
    expect(check).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
    expect(check).not.toThrow(/secret|cret@/)
  })

  it('not a transaction of knex', async () => {
    const instance = Object.assign(() => {}, {
      client: { dialect: 'postgresql', driverName: 'pg' },
      isTransaction: true,
    })
    expect(() => checkLocation('test', { connection: instance as never })).toThrow(/a transaction of knex/)
  })

  it.each([{ statementTimeoutMs: -1 }, { lockTimeoutMs: 1.5 }, { applicationName: '' }])('not with %o', (options) => {
    expect(() => checkLocation('test', { connection: url, ...options })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  })
})
