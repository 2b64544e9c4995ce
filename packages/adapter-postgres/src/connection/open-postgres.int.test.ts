import { createServer, type Server, type Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { inspect } from 'node:util'
import { DroverError } from '@drover/core'
import { type PostgresServer, startPostgres } from '@drover-internal/postgres-server'
import { describeOwnServer, describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import knex from 'knex'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testCertificate } from '../testing/test-certificate.js'
import type { PostgresKnex, PostgresPool } from './given-pool.js'
import { openPostgres, type PostgresDatabase } from './open-postgres.js'
import type { PostgresConfig } from './postgres-location.js'

const operation = { signal: new AbortController().signal }

async function failure(work: () => Promise<unknown>): Promise<DroverError> {
  try {
    await work()
  } catch (error) {
    if (DroverError.isInstance(error)) return error
    throw new Error('it is no DroverError', { cause: error })
  }
  throw new Error('nothing failed')
}

describePostgres('a connection of our own', () => {
  const database = useDatabase()
  const open = (more: object = {}): Promise<PostgresDatabase> =>
    openPostgres({ connection: database.url, ...more }, operation)

  it('gives values whatever the application has told pg to do with them', async () => {
    const before = pg.types.getTypeParser(20)
    pg.types.setTypeParser(20, () => 'changed')
    try {
      await using opened = await open()
      const { rows } = await opened.query(
        `SELECT 1::int8 AS a, 9007199254740993::int8 AS b, true AS c, '{"x":[1]}'::jsonb AS d, '\\x00ff'::bytea AS e,
           'NaN'::float8 AS f, $1::text AS g, NULL::int AS h, 1.50::numeric AS i`,
        ['x'],
        operation,
      )
      expect(rows).toEqual([
        {
          a: 1,
          b: 9007199254740993n,
          c: true,
          d: { x: [1] },
          e: new Uint8Array([0, 255]),
          f: Number.NaN,
          g: 'x',
          h: null,
          i: '1.50',
        },
      ])
    } finally {
      pg.types.setTypeParser(20, before)
    }
  })

  it('is called drover, and obeys its timeouts in transactions', async () => {
    await using opened = await open({ statementTimeoutMs: 50, lockTimeoutMs: 70 })
    const settings = await opened.transaction(
      (connection) =>
        connection.query(
          `SELECT name, setting FROM pg_settings WHERE name IN ('application_name', 'statement_timeout', 'lock_timeout')`,
        ),
      operation,
    )
    expect(Object.fromEntries(settings.rows.map(({ name, setting }) => [name, setting]))).toEqual({
      application_name: 'drover',
      statement_timeout: '50',
      lock_timeout: '70',
    })
    const late = await failure(() => opened.query('SELECT pg_sleep(10)', [], operation))
    expect(late).toMatchObject({
      code: 'STORE_BUSY',
      isRetryable: true,
      message: expect.stringContaining('statementTimeoutMs'),
    })
  })

  it('gives up waiting for a lock', async () => {
    await database.query('CREATE TABLE locked (v int)')
    await using opened = await open({ lockTimeoutMs: 20 })
    await using holder = await opened.connect(operation)
    await holder.begin()
    await holder.exec('LOCK TABLE locked')
    const error = await failure(() => opened.query('SELECT * FROM locked', [], operation))
    expect(error).toMatchObject({
      code: 'STORE_BUSY',
      isRetryable: true,
      message: expect.stringContaining('lockTimeoutMs'),
    })
  })

  it('reads and cannot write when it is opened readonly', async () => {
    await using opened = await open({ readonly: true })
    const write = () => opened.transaction((connection) => connection.exec('CREATE TABLE nothing (v int)'), operation)
    expect(await failure(write)).toMatchObject({ code: 'STORE_DENIED', isRetryable: false })
  })

  it('shares the snapshot of another transaction', async () => {
    await database.query('CREATE TABLE shared AS SELECT 1 AS v')
    await using opened = await open()
    const count = 'SELECT count(*) AS n FROM shared'
    const isolation = 'repeatable read'
    await opened.transaction(
      async (first) => {
        const { rows } = await first.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot')
        await database.query('INSERT INTO shared VALUES (2)')
        const snapshot = rows[0]?.snapshot ?? ''
        const seen = await opened.transaction((second) => second.query(count), { ...operation, isolation, snapshot })
        expect(seen.rows).toEqual([{ n: 1 }])
      },
      { ...operation, isolation, readonly: true },
    )
    expect((await opened.query(count, [], operation)).rows).toEqual([{ n: 2 }])
  })

  it('has text forms in transactions that lose nothing, whatever the role has set', async () => {
    await database.query(`ALTER DATABASE ${database.name} SET datestyle = 'SQL, DMY'`)
    await database.query(`ALTER DATABASE ${database.name} SET extra_float_digits = 0`)
    await using opened = await open()
    const texts = `SELECT '2024-01-31'::date::text AS d, 0.1::float8 + 0.2 || '' AS f, '1 mon -1 day'::interval::text AS i,
      current_setting('TimeZone') AS z`
    const tz = { settings: { TimeZone: 'Asia/Kathmandu' } }
    const { rows } = await opened.transaction((connection) => connection.query(texts), { ...operation, ...tz })
    expect(rows).toEqual([{ d: '2024-01-31', f: '0.30000000000000004', i: 'P1M-1D', z: 'Asia/Kathmandu' }])
  })

  it('keeps all of a transaction or nothing', async () => {
    await database.query('CREATE TABLE kept (v int)')
    await using opened = await open()
    await using connection = await opened.connect(operation)
    const insert = (v: number) => connection.query('INSERT INTO kept VALUES ($1)', [v])
    await connection.transaction(() => insert(1))
    await connection.transaction(() => insert(2), { end: 'rollback' })
    const work = async () => {
      await insert(3)
      throw new Error('changed its mind')
    }
    await expect(connection.transaction(work)).rejects.toThrow('changed its mind')
    await connection.begin()
    await insert(4)
    expect(await failure(() => connection.begin())).toMatchObject({ code: 'CONTRACT_BROKEN' })
    const [updated] = await connection.commit('UPDATE kept SET v = 5 WHERE v = 4')
    expect(updated?.rowCount).toBe(1)
    expect(await database.query('SELECT v FROM kept ORDER BY v')).toEqual([{ v: 1 }, { v: 5 }])
  })

  it('does not take the commit of a failed transaction for one', async () => {
    await using opened = await open()
    await using connection = await opened.connect(operation)
    await connection.begin()
    await failure(() => connection.exec('SELECT 1 / 0'))
    expect(await failure(() => connection.commit())).toMatchObject({ code: 'CONTRACT_BROKEN' })
    expect((await connection.query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }])
  })

  it('rolls back when it is given back, and refuses work from then on', async () => {
    await database.query('CREATE TABLE left_open (v int)')
    await using opened = await open()
    const connection = await opened.connect(operation)
    await connection.begin()
    await connection.exec('INSERT INTO left_open VALUES (1)')
    await connection[Symbol.asyncDispose]()
    await connection[Symbol.asyncDispose]()
    expect(await failure(() => connection.exec('SELECT 1'))).toMatchObject({ code: 'CONTRACT_BROKEN' })
    expect(await database.query('SELECT * FROM left_open')).toEqual([])
  })

  it('closes its connections when it is disposed of', async () => {
    const opened = await openPostgres({ connection: database.url, applicationName: 'closing' }, operation)
    const count = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'closing'`
    expect(await database.query(count)).toEqual([{ n: 1 }])
    await opened[Symbol.asyncDispose]()
    await expect.poll(() => database.query(count)).toEqual([{ n: 0 }])
  })

  describe('whose signal is aborted', () => {
    const running = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'aborting' AND state <> 'idle'`

    it('cancels the statement that runs, in the server too', async () => {
      await using opened = await open({ applicationName: 'aborting' })
      const stop = new AbortController()
      const late = failure(() => opened.transaction((connection) => connection.query('SELECT pg_sleep(60)'), stop))
      await expect.poll(() => database.query(running)).toEqual([{ n: 1 }])
      stop.abort(new DroverError('LEASE_LOST', 'the lease ran out'))
      expect(await late).toMatchObject({ code: 'LEASE_LOST' })
      await expect.poll(() => database.query(running)).toEqual([{ n: 0 }])
      expect((await opened.query('SELECT 1 AS v', [], operation)).rows).toEqual([{ v: 1 }])
    })

    it('closes a connection on which the server does not look whether to cancel', async () => {
      await database.query('CREATE TABLE copied (v int)')
      await using opened = await open({ applicationName: 'aborting' })
      const stop = new AbortController()
      await using connection = await opened.connect(stop)
      // A COPY waits for data of ours, and looks only when some has come.
      const copy = connection.run('copying', async (client) => {
        const stream = client.query(copyFrom('COPY copied FROM STDIN'))
        await finished(stream)
      })
      const late = failure(() => copy)
      await expect.poll(() => database.query(running)).toEqual([{ n: 1 }])
      stop.abort()
      expect(await late).toMatchObject({ code: 'ABORTED' })
      await expect.poll(() => database.query(running)).toEqual([{ n: 0 }])
    })

    it('refuses what comes later', async () => {
      await using opened = await open()
      const stop = new AbortController()
      await using connection = await opened.connect(stop)
      stop.abort()
      expect(await failure(() => connection.query('SELECT 1'))).toMatchObject({ code: 'ABORTED' })
      expect(await failure(() => opened.connect(stop))).toMatchObject({ code: 'ABORTED' })
    })

    it('waits for no connection any more, and the pool loses none', async () => {
      const pool = new pg.Pool({ connectionString: database.url, max: 1 })
      await using opened = await openPostgres({ connection: pool }, operation)
      const stop = new AbortController()
      {
        await using _held = await opened.connect(operation)
        const waiting = failure(() => opened.connect(stop))
        stop.abort()
        expect(await waiting).toMatchObject({ code: 'ABORTED' })
      }
      expect((await opened.query('SELECT 1 AS v', [], operation)).rows).toEqual([{ v: 1 }])
      await pool.end()
    })
  })
})

describePostgres('a pool or knex instance of the application', () => {
  const database = useDatabase()
  const givers = {
    pg: () => {
      const pool = new pg.Pool({ connectionString: database.url, max: 1, application_name: 'application' })
      return { connection: pool, ask: async (sql: string) => (await pool.query(sql)).rows, end: () => pool.end() }
    },
    knex: () => {
      const instance = knex({
        client: 'pg',
        connection: { connectionString: database.url, application_name: 'application' },
        pool: { min: 0, max: 1 },
      })
      return {
        connection: instance,
        ask: async (sql: string) => (await instance.raw(sql)).rows as unknown,
        end: () => instance.destroy(),
      }
    },
  }

  it.each(['pg', 'knex'] as const)('of %s stays open, and its connections stay as they were', async (kind) => {
    const { connection, ask, end } = givers[kind]()
    const pid = async () => ask('SELECT pg_backend_pid() AS pid')
    const before = await pid()
    await ask(`SET lock_timeout = '3s'`)
    const opened = await openPostgres({ connection, lockTimeoutMs: 5, applicationName: 'ours' }, operation)
    const seen = await opened.transaction(
      (ours) =>
        ours.query(`SELECT current_setting('application_name') AS name, current_setting('lock_timeout') AS lock`),
      operation,
    )
    expect(seen.rows).toEqual([{ name: 'ours', lock: '5ms' }])
    await opened[Symbol.asyncDispose]()
    expect(await ask('SHOW lock_timeout')).toEqual([{ lock_timeout: '3s' }])
    expect(await ask('SHOW application_name')).toEqual([{ application_name: 'application' }])
    expect(await pid()).toEqual(before)
    await end()
  })

  it.each(['pg', 'knex'] as const)('of %s gets no connection back that broke off', async (kind) => {
    const { connection, ask, end } = givers[kind]()
    await using opened = await openPostgres({ connection }, operation)
    {
      await using ours = await opened.connect(operation)
      await ours.begin()
      await database.query('SELECT pg_terminate_backend($1)', [ours.pid])
      const error = await failure(() => ours.query('SELECT 1'))
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
      expect(error.message).toContain('terminating connection due to administrator command')
    }
    expect(await ask('SELECT 1 AS v')).toEqual([{ v: 1 }])
    await end()
  })

  it.each(['pg', 'knex'] as const)(
    'of %s gets no connection back that a request to cancel may still reach',
    async (kind) => {
      const { connection, ask, end } = givers[kind]()
      await using opened = await openPostgres({ connection }, operation)
      const before = await ask('SELECT pg_backend_pid() AS pid')
      const stop = new AbortController()
      const late = failure(() => opened.query('SELECT pg_sleep(60)', [], stop))
      const sleeping = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'`
      await expect.poll(() => database.query(`${sleeping} AND state = 'active'`)).toEqual([{ n: 1 }])
      stop.abort()
      expect(await late).toMatchObject({ code: 'ABORTED' })
      expect(await ask('SELECT pg_backend_pid() AS pid')).not.toEqual(before)
      await end()
    },
  )

  it('says that it is full', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1, connectionTimeoutMillis: 1000 })
    await using opened = await openPostgres({ connection: pool }, operation)
    {
      await using _held = await opened.connect(operation)
      expect(await failure(() => opened.connect(operation))).toMatchObject({
        code: 'STORE_BUSY',
        isRetryable: true,
        message: expect.stringContaining('Every connection of the pool is in use'),
      })
    }
    await pool.end()
  })
})

describeOwnServer('a way in that is closed', () => {
  // One of our own, because it is known to ask for passwords and to speak no TLS.
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  }, 60_000)
  afterAll(() => server[Symbol.asyncDispose]())

  const configOf = (): PostgresConfig => {
    const { hostname, port, username, password, pathname } = new URL(server.url)
    return {
      host: hostname,
      port: Number(port),
      user: username,
      password: decodeURIComponent(password),
      database: pathname.slice(1),
    }
  }
  const refused = (more: PostgresConfig) =>
    failure(() => openPostgres({ connection: { ...configOf(), ...more } }, operation))

  it('by a wrong password', async () => {
    const error = await refused({ password: 'hunter2' })
    expect(error).toMatchObject({ code: 'STORE_DENIED', isRetryable: false })
    expect(error.message).toMatch(/connecting to .*password authentication failed.*Check the user and the password/)
    expect(error.message).not.toContain('hunter2')
  })

  it.each<[string, (way: PostgresConfig) => PostgresConfig | PostgresPool | PostgresKnex | string]>([
    ['a configuration', (way) => way],
    ['a URL', ({ host, port }) => `postgres://postgres:hunter2@${host}:${port}/postgres`],
    ['a URL of SQLAlchemy', ({ host, port }) => `postgresql+asyncpg://postgres:hunter2@${host}:${port}/postgres`],
    ["a URL's query", ({ host, port }) => `postgres://${host}:${port}/postgres?user=postgres&password=hunter2`],
    ['a pool', (way) => new pg.Pool(way as pg.PoolConfig)],
    [
      'a pool with a URL',
      ({ host, port }) => new pg.Pool({ connectionString: `postgres://postgres:hunter2@${host}:${port}/x` }),
    ],
    ['knex', (way) => knex({ client: 'pg', connection: way as object, log: { warn: () => {} } })],
  ])('by a wrong password in %s, which is shown nowhere', async (_, connection) => {
    const given = connection({ ...configOf(), password: 'hunter2' })
    const error = await failure(() => openPostgres({ connection: given }, operation))
    expect(error).toMatchObject({ code: 'STORE_DENIED', isRetryable: false })
    expect(error.message).toMatch(/connecting to 127\.0\.0\.1:\d+\/\w+: password authentication failed/)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2')
    expect(JSON.stringify(error)).not.toContain('hunter2')
    if (given instanceof pg.Pool) await given.end()
    if (typeof given === 'function') await (given as unknown as { destroy(): Promise<void> }).destroy()
  })

  it('by a password function that fails, whose secret is not shown', async () => {
    const headers = { authorization: 'Bearer hunter2' }
    const told = Object.assign(new Error('no token from postgres://vault:hunter2@vault'), { headers })
    const error = await refused({ password: () => Promise.reject(told) })
    expect(error).toMatchObject({ code: 'STORE_DENIED', isRetryable: false })
    expect(error.message).toContain('no token from postgres://***@vault')
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2')
    // The server is not left waiting for the password.
    await using opened = await openPostgres({ connection: server.url }, operation)
    const strangers =
      'SELECT count(*) AS n FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND client_addr IS NOT NULL'
    await expect.poll(async () => (await opened.query(strangers, [], operation)).rows).toEqual([{ n: 0 }])
  })

  it('by no password', async () => {
    expect(await refused({ password: () => '' })).toMatchObject({ code: 'STORE_DENIED', isRetryable: false })
  })

  it.each<[string, PostgresConfig, string, RegExp]>([
    [
      'a database that is not there',
      { database: 'nodb' },
      'SOURCE_NOT_FOUND',
      /database "nodb" does not exist.*or create it/,
    ],
    [
      'a host that is not there',
      { host: 'no-such-host.invalid' },
      'STORE_UNAVAILABLE',
      /no-such-host\.invalid.*check its name/,
    ],
    ['a port where nobody answers', { port: 1 }, 'STORE_UNAVAILABLE', /check host and port/],
    ['a folder without a socket', { host: '/nowhere' }, 'STORE_UNAVAILABLE', /no such socket/],
    ['TLS that the server does not speak', { ssl: true }, 'OPTION_INVALID', /speaks no TLS/],
  ])('by %s', async (_, more, code, message) => {
    const error = await refused(more)
    expect(error).toMatchObject({ code, isRetryable: false })
    expect(error.message).toMatch(message)
  })

  it('by a server that accepts and never answers', async () => {
    const sockets: Socket[] = []
    const server: Server = createServer((socket) => sockets.push(socket))
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    )
    const error = await refused({ host: '127.0.0.1', port, connectionTimeoutMillis: 50 })
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
    expect(error.message).toContain('did not answer in time')
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  it('and open with a password that a function gives anew for each connection', async () => {
    let asked = 0
    const { password, ...config } = configOf()
    const rotating = () => {
      asked++
      return password as string
    }
    await using opened = await openPostgres({ connection: { ...config, password: rotating } }, operation)
    await using _one = await opened.connect(operation)
    await using _two = await opened.connect(operation)
    expect(asked).toBe(2)
  })
})

describeOwnServer('a server that speaks TLS', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ tls: testCertificate })
  }, 60_000)
  afterAll(() => server[Symbol.asyncDispose]())
  const isEncrypted = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'

  it.each<[string, (url: string) => string | PostgresConfig, boolean]>([
    ['its authority', (connectionString) => ({ connectionString, ssl: { ca: testCertificate.cert } }), true],
    ['sslmode=no-verify', (url) => `${url}?sslmode=no-verify`, true],
    ["asyncpg's ssl=disable", (url) => `${url.replace('postgres://', 'postgresql+asyncpg://')}?ssl=disable`, false],
  ])('is entered with %s', async (_, connection, ssl) => {
    await using opened = await openPostgres({ connection: connection(server.url) }, operation)
    expect((await opened.query(isEncrypted, [], operation)).rows).toEqual([{ ssl }])
  })

  it('is not entered if nobody knows its authority', async () => {
    const error = await failure(() =>
      openPostgres({ connection: { connectionString: server.url, ssl: true } }, operation),
    )
    expect(error).toMatchObject({
      code: 'STORE_DENIED',
      isRetryable: false,
      message: expect.stringContaining('ssl: { ca }'),
    })
  })

  it('cancels a statement', async () => {
    await using opened = await openPostgres(
      { connection: { connectionString: server.url, ssl: { ca: testCertificate.cert } } },
      operation,
    )
    const running = `SELECT count(*) AS n FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'`
    const count = async () => (await opened.query(running, [], operation)).rows
    const stop = new AbortController()
    const late = failure(() => opened.query('SELECT pg_sleep(60)', [], stop))
    await expect.poll(count).toEqual([{ n: 1 }])
    stop.abort()
    expect(await late).toMatchObject({ code: 'ABORTED' })
    expect(await count()).toEqual([{ n: 0 }])
  })
})

describeOwnServer('a server that goes away', () => {
  it('is retryable until it is back', { timeout: 30_000 }, async () => {
    await using server = await startPostgres()
    await using opened = await openPostgres({ connection: server.url }, operation)
    const ask = () => opened.query('SELECT 1 AS v', [], operation)
    await using held = await opened.connect(operation)
    await server.stop()
    expect(await failure(() => held.query('SELECT 1'))).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: true,
      message: expect.stringContaining('terminating connection due to administrator command'),
    })
    expect(await failure(ask)).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
    const fresh = await failure(() => openPostgres({ connection: server.url }, operation))
    expect(fresh).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: false })
    await server.start()
    expect((await ask()).rows).toEqual([{ v: 1 }])
  })
})
