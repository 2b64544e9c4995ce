import {
  type ExactSink,
  from,
  type LiveRun,
  memorySink,
  memorySource,
  type Row,
  runBackfill,
  type Stall,
  startBackfill,
  startPipeline,
} from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { postgresBackfill } from '../backfill/postgres-backfill.js'
import { postgresSource } from '../source/postgres-source.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { failure } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { transactionPooler } from '../testing/transaction-pooler.js'
import { postgresSink } from './postgres-sink.js'

describePostgres('a batch that waits for a row which somebody else holds', () => {
  const database = useDatabase()
  const rows: Row[] = Array.from({ length: 100 }, (_, i) => ({ id: i + 1, a: `secret ${i + 1}` }))
  const stalledAfterMs = 50
  let place: TestSchema
  let holder: pg.Client
  let pid: number

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await database.query(`CREATE TABLE ${place.name}.t AS SELECT g AS id, 'old' AS a FROM generate_series(1, 100) g;
      ALTER TABLE ${place.name}.t ADD PRIMARY KEY (id)`)
    holder = new pg.Client({ connectionString: database.url, application_name: 'psql of somebody' })
    await holder.connect()
    pid = Number((await holder.query('SELECT pg_backend_pid() AS pid')).rows[0]?.pid)
    await holder.query(`BEGIN; UPDATE ${place.name}.t SET a = 'theirs' WHERE id = 50`)
  })
  afterEach(async () => {
    await holder.end()
    await place[Symbol.asyncDispose]()
  })

  const location = () => ({ connection: database.url, stateSchema: place.name })
  const written = () => database.query(`SELECT a, count(*)::int AS n FROM ${place.name}.t GROUP BY a ORDER BY a`)
  /** A slow machine may take longer to begin. */
  const stalled = (live: LiveRun): Promise<Stall> =>
    new Promise((resolve, reject) => {
      live.events.on('run:stalled', (stall) => {
        if (stall.statements.some(({ blockedBy }) => blockedBy.length > 0)) resolve(stall)
      })
      live.events.once('run:failed', ({ error }) => reject(error))
    })
  const copy = (sink: ExactSink): LiveRun =>
    startPipeline({ name: 'a', source: memorySource<Row>({ records: rows, key: 'id' }), sink, stalledAfterMs })
  const backfill = (lockTimeoutMs: number) =>
    postgresBackfill({
      ...location(),
      name: 'b',
      table: `${place.name}.t`,
      sets: ['a'],
      where: `a <> 'ours'`,
      set: () => ({ a: 'ours' }),
      lockTimeoutMs,
    })

  it.each(['a connection of its own', 'a pooler in transaction mode'])(
    'is told with its statement and who blocks it, over %s',
    async (how) => {
      await using pooler = transactionPooler(database.url)
      const connection = how.includes('pooler') ? pooler : database.url
      const table = `${place.name}.t`
      const live = copy(postgresSink({ ...location(), connection, table, onConflict: 'update' }))
      const { waitsFor, statements, message } = await stalled(live)
      expect(waitsFor).toBe('sink')
      expect(statements).toEqual([
        expect.objectContaining({
          statement: expect.stringContaining(`INSERT INTO "${place.name}"."t"`),
          queryStart: expect.any(Date),
          waitEvent: 'Lock: transactionid',
          blockedBy: [
            {
              pid,
              applicationName: 'psql of somebody',
              state: 'idle in transaction',
              queryStart: expect.any(Date),
              transactionStart: expect.any(Date),
            },
          ],
        }),
      ])
      expect(message).toContain(`It is blocked by backend ${pid} (psql of somebody), idle in transaction`)
      await holder.query('COMMIT')
      expect((await live.result).counts).toMatchObject({ written: 100, updated: 100 })
      expect((await written()).length).toBe(100)
    },
  )

  it('is told of a backfill that waits without end, which goes on as soon as it can', async () => {
    const live = startBackfill({ backfiller: backfill(0), stalledAfterMs })
    const { statements } = await stalled(live)
    expect(statements[0]?.statement).toMatch(/^UPDATE/)
    expect(statements[0]?.blockedBy).toMatchObject([{ pid }])
    await holder.query('ROLLBACK')
    await live.result
    expect(await written()).toEqual([{ a: 'ours', n: 100 }])
  })

  const counting = { progress: { write: () => true } as unknown as NodeJS.WritableStream }
  it.each<[string, () => LiveRun]>([
    [
      'by its source',
      () =>
        startPipeline({
          name: 'd',
          source: postgresSource({ connection: database.url, table: `${place.name}.t` }),
          sink: memorySink(),
          stalledAfterMs,
        }),
    ],
    [
      'by the count of its records',
      () =>
        startPipeline({
          name: 'e',
          source: postgresSource({ connection: database.url, table: `${place.name}.t` }),
          sink: memorySink(),
          stalledAfterMs,
          ...counting,
        }),
    ],
    ['by its sink', () => copy(postgresSink({ ...location(), table: `${place.name}.t`, onConflict: 'update' }))],
    [
      'by a sink that has to see records first',
      () =>
        startPipeline({
          name: 'f',
          source: from(memorySource<Row>({ records: rows, key: 'id' })).pipe((row: Row) => row),
          sink: postgresSink({ ...location(), table: `${place.name}.t`, onConflict: 'update' }),
          stalledAfterMs,
        }),
    ],
    ['by a backfill', () => startBackfill({ backfiller: backfill(0), stalledAfterMs })],
  ])('is told, with who blocks it, of a table that is locked when it is met: %s', async (_, begin) => {
    await holder.query(`ROLLBACK; BEGIN; LOCK TABLE ${place.name}.t IN ACCESS EXCLUSIVE MODE`)
    const live = begin()
    const { statements, message } = await stalled(live)
    expect(statements).toMatchObject([{ waitEvent: 'Lock: relation', blockedBy: [{ pid }] }])
    expect(message).toContain(`It is blocked by backend ${pid} (psql of somebody), idle in transaction`)
    await holder.query('COMMIT')
    expect((await live.result).counts.written).toBe(100)
  })

  it('ends a backfill after so many tries with the name of who blocks it', async () => {
    const error = await failure(runBackfill({ backfiller: backfill(500), maxRetries: 1 }))
    expect(error).toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
    expect(error.message).toContain('raise lockTimeoutMs')
    expect(error.message).toContain(`It is blocked by backend ${pid} (psql of somebody), idle in transaction`)
    await holder.query('ROLLBACK')
    expect(await written()).toEqual([{ a: 'old', n: 100 }])
    await runBackfill({ backfiller: backfill(60) })
    expect(await written()).toEqual([{ a: 'ours', n: 100 }])
  })

  it('is told of a backfill written by hand, in a transaction of the state store', async () => {
    const live = startBackfill({
      backfiller: {
        name: 'c',
        backfillBatch: async ({ tx }) => {
          const { rowCount } = await tx.query(`UPDATE ${place.name}.t SET a = 'ours'`)
          return { scanned: rowCount ?? 0, changed: rowCount ?? 0, cursor: null, done: true }
        },
      },
      state: postgresStateStore(location()),
      stalledAfterMs,
    })
    const { waitsFor, statements } = await stalled(live)
    expect(waitsFor).toBe('backfiller')
    expect(statements).toMatchObject([
      { statement: `UPDATE ${place.name}.t SET a = '…'`, blockedBy: [{ pid, state: 'idle in transaction' }] },
    ])
    await holder.query('ROLLBACK')
    await live.result
    expect(await written()).toEqual([{ a: 'ours', n: 100 }])
  })

  it('is told also by a user who may not see what the other one does', async () => {
    const user = `user_${place.name}`
    await database.query(`CREATE ROLE ${user} LOGIN PASSWORD 'x'; GRANT ALL ON SCHEMA ${place.name} TO ${user};
      GRANT ALL ON ALL TABLES IN SCHEMA ${place.name} TO ${user}`)
    const url = new URL(database.url)
    url.username = user
    url.password = 'x'
    try {
      const table = `${place.name}.t`
      const live = copy(postgresSink({ ...location(), connection: url.href, table, onConflict: 'update' }))
      const { statements, message } = await stalled(live)
      expect(statements[0]?.blockedBy).toEqual([{ pid, applicationName: 'psql of somebody' }])
      expect(message).toContain('pg_read_all_stats would tell more')
      await holder.query('COMMIT')
      await live.result
    } finally {
      await database.query(`DROP OWNED BY ${user} CASCADE; DROP ROLE ${user}`)
    }
  })
})
