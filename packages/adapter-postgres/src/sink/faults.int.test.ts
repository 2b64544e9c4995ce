import { from, memorySource, memoryStateStore, type Row, runBackfill, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { knex as makeKnex } from 'knex'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { postgresBackfill } from '../backfill/postgres-backfill.js'
import type { PostgresConfig } from '../connection/postgres-location.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { failure } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresSink } from './postgres-sink.js'

describePostgres('a run that meets others, or the limits of its user', () => {
  const database = useDatabase()
  const most = 2_500
  const rows: Row[] = Array.from({ length: most }, (_, i) => ({ id: i + 1, a: `of ${i + 1}` }))
  let place: TestSchema
  let other: pg.Client

  beforeEach(async () => {
    place = await TestSchema.create(database)
    other = new pg.Client({ connectionString: database.url })
    await other.connect()
    await other.query(`SET search_path = ${place.name}; CREATE TABLE t (id int PRIMARY KEY, a text, n int DEFAULT 0)`)
  })
  afterEach(async () => {
    await other.end()
    await place[Symbol.asyncDispose]()
  })

  /** With settings as a role would have them. */
  const connection = (...settings: string[]): PostgresConfig => ({
    connectionString: database.url,
    options: settings.map((setting) => `-c ${setting}`).join(' '),
  })
  const location = (...settings: string[]) => ({
    connection: connection(...settings),
    stateSchema: place.name,
    applicationName: place.name,
    table: `${place.name}.t`,
  })
  const source = () => memorySource<Row>({ records: rows, key: 'id' })
  const ask = async (sql: string): Promise<Row | undefined> => (await other.query(sql)).rows[0]
  /** Every record once, as it was read. */
  const isExact = () => ask(`SELECT count(*)::int AS n, count(*) FILTER (WHERE a = 'of ' || id)::int AS good FROM t`)
  const exact = { n: most, good: most }

  /** Waits for what the connections of the run say. */
  async function until(condition: string): Promise<void> {
    const sql = `SELECT ${condition} AS holds FROM pg_stat_activity WHERE application_name = '${place.name}'`
    while ((await ask(sql))?.holds !== true);
  }

  /** Sets all of a table whose rows are there. `meanwhile` runs once, while the second page is made and the first one is written. */
  async function backfill(settings: readonly string[], meanwhile: () => Promise<void>, maxRetries = 8) {
    await other.query(`INSERT INTO t SELECT g, 'old' FROM generate_series(1, ${most}) g`)
    let isDone = false
    return runBackfill({
      backfiller: postgresBackfill<{ id: number }>({
        ...location(...settings),
        name: 'b',
        sets: ['a'],
        where: `a = 'old'`,
        lockTimeoutMs: 0,
        set: async ({ id }) => {
          if (id === 1001 && !isDone) {
            isDone = true
            await until(`bool_or(state = 'idle in transaction' AND query LIKE '%UPDATE%')`)
            await meanwhile()
          }
          return { a: `of ${id}` }
        },
      }),
      maxRetries,
    })
  }

  it('is not seen idling in a transaction while a source is slow to give the first page of a batch', async () => {
    let begun = 0
    const report = await runPipeline({
      name: 'a',
      source: from(source()).pipe(async (row: Row) => {
        // Batches begin with these.
        if (Number(row.id) % 1000 !== 1) return row
        await until(
          `count(*) FILTER (WHERE state LIKE 'idle in transaction%' OR query LIKE 'COPY%' AND state = 'active') = 0`,
        )
        begun++
        return row
      }),
      sink: postgresSink(location()),
      batchSize: 1000,
    })
    expect(begun).toBe(3)
    expect(report.attempt.retries).toBe(0)
    expect(await isExact()).toEqual(exact)
  })

  it('is tried again after idle_in_transaction_session_timeout, between two pages', async () => {
    const gone = () => until(`count(*) FILTER (WHERE state LIKE 'idle in transaction%') = 0`)
    const report = await backfill(['idle_in_transaction_session_timeout=50'], gone)
    expect(report.attempt.retries).toBeGreaterThan(0)
    expect(await isExact()).toEqual(exact)
  })

  it('fails with what helps if idle_in_transaction_session_timeout ends it too often', async () => {
    const gone = () => until(`count(*) FILTER (WHERE state LIKE 'idle in transaction%') = 0`)
    const error = await failure(backfill(['idle_in_transaction_session_timeout=50'], gone, 0))
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(error.message).toContain('Raise idle_in_transaction_session_timeout')
    expect(await ask(`SELECT count(*)::int AS n FROM t WHERE a <> 'old'`)).toEqual({ n: 0 })
  })

  it('is tried again when it and another writer waited for each other', async () => {
    await other.query(`SET deadlock_timeout = '60s'`)
    let theirs: Promise<unknown> = Promise.resolve()
    const meet = async (): Promise<void> => {
      await other.query('BEGIN; UPDATE t SET n = n + 1 WHERE id = 2000')
      theirs = other.query('UPDATE t SET n = n + 1 WHERE id = 1').then(() => other.query('COMMIT'))
    }
    const report = await backfill(['deadlock_timeout=20ms'], meet)
    await theirs
    expect(report.attempt.retries).toBe(1)
    expect(await isExact()).toEqual(exact)
    expect(await ask('SELECT sum(n)::int AS n FROM t')).toEqual({ n: 2 })
  })

  it('goes on beside writers that are serializable by default, and none of their updates is lost', async () => {
    await other.query(`INSERT INTO t SELECT g, 'old' FROM generate_series(1, ${most}) g`)
    const rival = new pg.Client({
      connectionString: database.url,
      options: '-c default_transaction_isolation=serializable',
    })
    await rival.connect()
    let isOver = false
    let added = 0
    const competing = (async () => {
      for (let id = 1; !isOver; id = (id % most) + 1) {
        try {
          await rival.query(`UPDATE ${place.name}.t SET n = n + 1 WHERE id = $1`, [id])
          added++
        } catch (error) {
          if ((error as { code?: unknown }).code !== '40001') throw error
        }
      }
    })()
    await runPipeline({
      name: 'a',
      source: source(),
      sink: postgresSink({
        ...location('default_transaction_isolation=serializable'),
        onConflict: 'update',
        batchSize: 500,
      }),
    })
    isOver = true
    await competing
    await rival.end()
    expect(await isExact()).toEqual(exact)
    expect(await ask('SELECT sum(n)::int AS n FROM t')).toEqual({ n: added })
  })

  it('is tried again after a serialization failure', async () => {
    await other.query(`CREATE SEQUENCE tries;
      CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF new.id = 2100 AND nextval('${place.name}.tries') <= 2 THEN
          RAISE 'could not serialize access' USING ERRCODE = 'serialization_failure'; END IF;
        RETURN new; END $$;
      CREATE TRIGGER conflict BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION conflict()`)
    const report = await runPipeline({ name: 'a', source: source(), sink: postgresSink(location()) })
    expect(report.attempt.retries).toBe(2)
    expect(report.counts).toMatchObject({ read: most, inserted: most, rejected: 0 })
    expect(await isExact()).toEqual(exact)
  })

  it('is tried again after a serialization failure of a transaction that a backfiller written by hand writes in', async () => {
    await other.query(`INSERT INTO t VALUES (1, 'a', 1)`)
    const knex = makeKnex({
      client: 'pg',
      connection: connection('default_transaction_isolation=serializable') as object,
    })
    try {
      let tries = 0
      const report = await runBackfill({
        backfiller: {
          name: 'c',
          backfillBatch: async ({ tx }) => {
            const found = await tx(`${place.name}.t`).where('id', 1).first('n')
            if (++tries === 1) await other.query('UPDATE t SET n = n + 1 WHERE id = 1')
            await tx(`${place.name}.t`)
              .where('id', 1)
              .update({ n: Number(found?.n) * 10 })
            return { scanned: 1, changed: 1, cursor: null, done: true }
          },
        },
        state: postgresStateStore({ connection: knex, stateSchema: place.name }),
      })
      expect(report.attempt.retries).toBe(1)
      expect(tries).toBe(2)
      expect(await ask('SELECT n FROM t')).toEqual({ n: 20 })
    } finally {
      await knex.destroy()
    }
  })

  it('is tried again after the statement_timeout of its user', async () => {
    let isLate = false
    const report = await runPipeline({
      name: 'a',
      source: from(source()).pipe(async (row: Row) => {
        if (row.id === 2001 && !isLate) {
          isLate = true
          await until(`bool_or(query LIKE 'COPY%' AND clock_timestamp() - query_start > interval '150 ms')`)
        }
        return row
      }),
      sink: postgresSink(location('statement_timeout=100')),
    })
    expect(report.attempt.retries).toBeGreaterThan(0)
    expect(await isExact()).toEqual(exact)
  })

  it.each(['its own state', 'its state elsewhere'])(
    'is refused at once, before it reads, where its user may only read: %s',
    async (where) => {
      // The tables are there, so that nothing needs to be created.
      await postgresStateStore({ connection: database.url, stateSchema: place.name }).setup?.({
        signal: new AbortController().signal,
      })
      let read = 0
      const error = await failure(
        runPipeline({
          name: 'a',
          source: from(source()).pipe((row: Row) => {
            read++
            return row
          }),
          sink: postgresSink(location('default_transaction_read_only=on')),
          ...(where === 'its own state' ? {} : { state: memoryStateStore() }),
        }),
      )
      expect(error).toMatchObject({ code: 'STORE_DENIED', isRetryable: false })
      expect(error.message).toContain('default_transaction_read_only is on')
      expect(read).toBe(0)
      expect(await isExact()).toEqual({ n: 0, good: 0 })
    },
  )
})
