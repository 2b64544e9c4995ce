import { from, memorySink, memoryStateStore, type Row, runPipeline, type SourceSession } from '@drover/core'
import { type PostgresServer, startPostgres } from '@drover-internal/postgres-server'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresSourceOptions, postgresSource } from './postgres-source.js'
import { connectSource } from './source-session.js'
import { failure, operation, readSession, readSource, whole } from './testing/read-source.js'

const page = { records: 100, bytes: 1e6 }
/** More than the network's buffers hold. */
const many = 60_000

describePostgres('a read that is interrupted', () => {
  const database = useDatabase()
  let tables = 0

  const source = (options: Partial<PostgresSourceOptions>) =>
    postgresSource({ connection: database.url, applicationName: 'interrupted', ...options })
  const ours = `FROM pg_stat_activity WHERE application_name = 'interrupted'`
  const statements = () => database.query(`SELECT state ${ours} AND state <> 'idle'`)

  async function filled(): Promise<string> {
    const table = `t${++tables}`
    await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, v text)`)
    await database.query(`INSERT INTO ${table} SELECT g, repeat('x', 200) FROM generate_series(1, ${many}) g`)
    return table
  }

  it('goes on behind the last page when its connection is dropped, again and again', async () => {
    const table = await filled()
    const sink = memorySink<Row>({ key: ['id'] })
    let dropped = 0
    const report = await runPipeline({
      name: 'dropped',
      source: from(source({ table })).pipe(async (record: Row) => {
        if (Number(record.id) % 20_000 === 1) {
          await database.query(`SELECT pg_terminate_backend(pid) ${ours}`)
          dropped++
        }
        return record
      }),
      sink,
      state: memoryStateStore(),
    })
    expect(dropped).toBe(3)
    expect(report.attempt.retries).toBeGreaterThan(0)
    expect(report.counts).toMatchObject({ read: many, inserted: many })
    expect(new Set(sink.store.rows.map(({ id }) => id)).size).toBe(many)
  })

  it('reads on when each statement may take but little time', async () => {
    const table = await filled()
    const sink = memorySink<Row>({ key: ['id'] })
    const slow = from(source({ table, statementTimeoutMs: 60 })).pipe(async (record: Row) => {
      if (Number(record.id) % 10_000 === 0) await new Promise((resolve) => setTimeout(resolve, 100))
      return record
    })
    const report = await runPipeline({ name: 'slow', source: slow, sink, state: memoryStateStore() })
    expect(report.counts).toMatchObject({ read: many, inserted: many })
    expect(report.attempt.retries).toBeGreaterThan(0)
  })

  it('is begun anew by itself after a while, so that the table can be altered meanwhile', async () => {
    const table = await filled()
    await using session = await source({ table, longestReadMs: 20, newColumns: 'ignore' }).connect(operation)
    const keys: unknown[] = []
    const other = new pg.Client({ connectionString: database.url })
    await other.connect()
    try {
      let altered: Promise<unknown> | undefined
      for await (const next of session.read({ ...whole, page })) {
        for (const { source: key } of next.keys()) keys.push(key[0])
        if (keys.length === 1000) {
          altered = other.query(`ALTER TABLE ${table} ADD COLUMN w int DEFAULT 5`)
          // It waits for our statement, which ends though nobody takes a page.
          await altered
        }
        if (keys.length % 10_000 === 0) await new Promise((resolve) => setTimeout(resolve, 40))
        expect(Object.keys(next.rows()[0] ?? {})).toEqual(['id', 'v'])
      }
      await altered
    } finally {
      await other.end()
    }
    expect(keys).toEqual(Array.from({ length: many }, (_, i) => i + 1))
  })

  describe('by a table that is altered', () => {
    const sessions: SourceSession[] = []
    afterEach(async () => {
      for (const session of sessions.splice(0)) await session[Symbol.asyncDispose]()
    })

    async function readAltered(options: Partial<PostgresSourceOptions>, alter: (table: string) => string) {
      const table = await filled()
      const session = await source({ table, ...options }).connect(operation)
      sessions.push(session)
      const first = await readSession(session, { page, partition: { id: 'a', bounds: { after: null, upto: ['50'] } } })
      await database.query(alter(table))
      const rest = () => readSession(session, { page, after: first.pages[0]?.cursor ?? null })
      return { rest, table }
    }

    it('stops at a column more, and reads it when it is called again', async () => {
      const { rest, table } = await readAltered({}, (name) => `ALTER TABLE ${name} ADD COLUMN w int DEFAULT 5`)
      expect(await failure(rest)).toMatchObject({
        code: 'SOURCE_INVALID',
        isRetryable: false,
        message: expect.stringContaining('"w"'),
      })
      expect((await readSource(source({ table }), { after: ['59999'] })).rows).toMatchObject([{ id: 60_000, w: 5 }])
    })

    it('goes on without it if told to', async () => {
      const ignored = await readAltered({ newColumns: 'ignore' }, (name) => `ALTER TABLE ${name} ADD COLUMN w int`)
      expect((await ignored.rest()).rows).toHaveLength(many - 50)
      const named = await readAltered({ columns: ['id'] }, (name) => `ALTER TABLE ${name} ADD COLUMN w int`)
      expect((await named.rest()).rows).toHaveLength(many - 50)
    })

    it.each<[string, (table: string) => string, string]>([
      ['another type', (name) => `ALTER TABLE ${name} ALTER COLUMN v TYPE varchar(300)`, 'SOURCE_INVALID'],
      ['a larger type', (name) => `ALTER TABLE ${name} ALTER COLUMN id TYPE bigint`, 'SOURCE_INVALID'],
      ['a column less', (name) => `ALTER TABLE ${name} DROP COLUMN v`, 'SOURCE_INVALID'],
      ['a column by another name', (name) => `ALTER TABLE ${name} RENAME COLUMN v TO x`, 'SOURCE_INVALID'],
      ['no table', (name) => `DROP TABLE ${name}`, 'SOURCE_NOT_FOUND'],
    ])('stops at %s', async (_, alter, code) => {
      for (const newColumns of ['fail', 'ignore'] as const) {
        const { rest } = await readAltered({ newColumns }, alter)
        expect(await failure(rest)).toMatchObject({ code, isRetryable: false })
      }
    })
  })

  describe('by its caller', () => {
    it('frees the connection at once when the signal is aborted, though nobody comes back for a page', async () => {
      const table = await filled()
      await using session = await source({ table }).connect(operation)
      const stop = new AbortController()
      const pages = session.read({ ...whole, page, signal: stop.signal })[Symbol.asyncIterator]()
      await pages.next()
      await expect.poll(statements).toHaveLength(1)
      stop.abort()
      await expect.poll(statements).toEqual([])
      expect(await failure(() => pages.next())).toMatchObject({ code: 'ABORTED' })
      expect((await readSession(session)).keys).toHaveLength(many)
    })

    it('cancels the statement and frees the connection when the loop is left', async () => {
      const table = await filled()
      await database.query(`CREATE FUNCTION slow(i int) RETURNS text STABLE LANGUAGE plpgsql AS
          'BEGIN IF i > 3000 THEN PERFORM pg_sleep(60); END IF; RETURN i; END';
        CREATE VIEW ${table}_slow AS SELECT id, slow(id) AS v FROM ${table}; ANALYZE ${table}`)
      await using session = await connectSource(
        { connection: database.url, applicationName: 'interrupted', table: `${table}_slow`, key: 'id', isKeyed: true },
        operation,
      )
      const begun = performance.now()
      for await (const _ of session.read({ ...whole, page })) break
      expect(performance.now() - begun).toBeLessThan(10_000)
      expect(await statements()).toEqual([])
    })

    it('gives up while PostgreSQL has not answered yet', async () => {
      const stop = new AbortController()
      const query = 'SELECT g AS id, pg_sleep(60)::text AS v FROM generate_series(1, 9) g'
      await using session = await source({ query, key: 'id' }).connect(operation)
      const reading = failure(() => readSession(session, { signal: stop.signal }))
      await expect.poll(statements).toHaveLength(1)
      stop.abort()
      expect(await reading).toMatchObject({ code: 'ABORTED' })
      await expect.poll(statements).toEqual([])
    })
  })

  it('says an error of the query, with what was done', async () => {
    const query = 'SELECT g AS id, 1 / (3000 - g) AS v FROM generate_series(1, 9000) g'
    const error = await failure(() => readSource(source({ query, key: 'id' }), { page }))
    expect(error.message).toMatch(/reading .*the query.*division by zero/)
  })

  it('says which right is missing, before the first page', async () => {
    const table = await filled()
    const role = `reader_${table}_${process.pid}`
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reader'`)
    try {
      const url = new URL(database.url)
      url.username = role
      url.password = 'reader'
      const poor = (options: object) => postgresSource({ connection: url.href, table, ...options })
      const denied = await failure(() => readSource(poor({})))
      expect(denied).toMatchObject({
        code: 'STORE_DENIED',
        isRetryable: false,
        message: expect.stringContaining('GRANT SELECT'),
      })
      expect(denied.message).not.toContain('reader:')
      await database.query(`GRANT SELECT (id) ON ${table} TO ${role}`)
      expect((await readSource(poor({ columns: ['id'] }))).keys).toHaveLength(many)
      expect(await failure(() => readSource(poor({})))).toMatchObject({ code: 'STORE_DENIED' })
    } finally {
      await database.query(`REVOKE ALL ON ${table} FROM ${role}; DROP ROLE ${role}`)
    }
  })
})

describePostgres('a server that goes away', () => {
  let server: PostgresServer

  beforeAll(async () => {
    // What was committed is still there after a crash.
    server = await startPostgres({ settings: { fsync: 'on', synchronous_commit: 'on' } })
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    await client.query(
      `CREATE TABLE t AS SELECT g AS id, repeat('x', 200) AS v FROM generate_series(1, ${many}) g; ALTER TABLE t ADD PRIMARY KEY (id)`,
    )
    await client.end()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it.each(['stop', 'crash'] as const)('is waited for and read on from: %s', async (how) => {
    const sink = memorySink<Row>({ key: ['id'] })
    const report = await runPipeline({
      name: how,
      source: from(postgresSource({ connection: server.url, table: 't' })).pipe(async (record: Row) => {
        if (record.id === 20_000) {
          await server[how]()
          await server.start()
        }
        return record
      }),
      sink,
      state: memoryStateStore(),
    })
    expect(report.counts).toMatchObject({ read: many, inserted: many })
    expect(new Set(sink.store.rows.map(({ id }) => id)).size).toBe(many)
  })
})
