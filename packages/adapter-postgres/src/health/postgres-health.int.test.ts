import { type HealthReading, type HealthSignal, memorySource, type Row, startPipeline } from '@drover/core'
import { type PostgresServer, startPostgres } from '@drover-internal/postgres-server'
import { describeOwnServer, describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postgresSink } from '../sink/postgres-sink.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresHealth } from './postgres-health.js'

const operation = { signal: new AbortController().signal }
const one = (signals: readonly HealthSignal[]): HealthSignal => signals[0] as HealthSignal

/** Asks until a reading is as expected: the server tells of others some time after it happened. */
async function readingWhere(signal: HealthSignal, isIt: (reading: HealthReading) => boolean): Promise<HealthReading> {
  for (;;) {
    const reading = await signal.check(operation)
    if (isIt(reading)) return reading
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describePostgres('the health of a server', () => {
  const database = useDatabase()
  let open: pg.Client[] = []
  let signals: HealthSignal[] = []
  const watch = (limits: object): HealthSignal => {
    signals = postgresHealth({ connection: database.url, ...limits })
    return one(signals)
  }
  const client = async (): Promise<pg.Client> => {
    const made = new pg.Client({ connectionString: database.url })
    open.push(made)
    await made.connect()
    return made
  }
  afterEach(async () => {
    for (const signal of signals) await signal.close?.()
    for (const each of open) await each.end()
    open = []
  })

  it('is how many sessions wait for a lock', async () => {
    await database.query('CREATE TABLE IF NOT EXISTS locked (id int PRIMARY KEY); INSERT INTO locked VALUES (1)')
    const signal = watch({ lockWaits: 2 })
    const before = await signal.check(operation)
    const [holder, ...waiting] = [await client(), await client(), await client()]
    await holder?.query('BEGIN; UPDATE locked SET id = 1')
    const writes = waiting.map((each) => each.query('UPDATE locked SET id = 1'))
    // Others may wait in the same server.
    const during = await readingWhere(signal, ({ load }) => load >= 1)
    expect(during.reason).toMatch(/^\d+ lock waits of 2$/)
    await holder?.query('COMMIT')
    await Promise.all(writes)
    const after = await readingWhere(signal, ({ load }) => load < 1)
    expect(after.load).toBeLessThan(1)
    expect(before.load).toBeGreaterThanOrEqual(0)
  })

  it('is how many transactions are open, the one that asks not among them', async () => {
    const signal = watch({ activeTransactions: 4 })
    const idle = await readingWhere(signal, ({ load }) => load <= 0.25)
    const busy = [await client(), await client(), await client(), await client()]
    for (const each of busy) await each.query('BEGIN')
    const { load, reason } = await signal.check(operation)
    expect(load).toBeGreaterThanOrEqual(1)
    expect(load - idle.load).toBeGreaterThanOrEqual(0.75)
    expect(reason).toMatch(/^\d+ active transactions of 4$/)
  })

  it('is how much log it writes a second', async () => {
    await database.query('CREATE TABLE IF NOT EXISTS logged (t text)')
    const signal = watch({ walBytesPerSecond: 1_000_000 })
    expect(await signal.check(operation)).toEqual({ load: 0, reason: 'WAL rate 0.0 MB/s of 1.0 MB/s' })
    const begun = performance.now()
    await database.query(`INSERT INTO logged SELECT repeat('x', 1000) FROM generate_series(1, 5000)`)
    const { load } = await signal.check(operation)
    const seconds = (performance.now() - begun) / 1000
    // Five megabytes at the least, in that time at the most.
    expect(load).toBeGreaterThan(5 / (seconds + 0.5))
  })

  it('without a standby is a lag of nothing', async () => {
    const signal = watch({ replicaLagMs: 1_000 })
    expect(await signal.check(operation)).toEqual({
      load: 0,
      reason: 'replica lag 0.0 s of 1.0 s, no standby is connected',
    })
  })

  it('is read by a user without rights of its own, and by several signals over one connection', async () => {
    await database.query(`CREATE ROLE plain_${database.name} LOGIN PASSWORD 'plain'`)
    const url = new URL(database.url)
    url.username = `plain_${database.name}`
    url.password = 'plain'
    signals = postgresHealth({
      connection: url.href,
      applicationName: 'health of plain',
      replicaLagMs: 1_000,
      lockWaits: 5,
      walBytesPerSecond: 1e9,
      activeTransactions: 100,
    })
    const sessions = async () =>
      Number(
        (
          await database.query(
            `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'health of plain'`,
          )
        )[0]?.n,
      )
    try {
      expect(signals.map(({ name }) => name)).toEqual(['replica lag', 'lock waits', 'WAL rate', 'active transactions'])
      for (const signal of signals) expect((await signal.check(operation)).load).toBeLessThan(1)
      expect(await sessions()).toBe(1)
      for (const signal of signals) await signal.close?.()
      while ((await sessions()) > 0) await new Promise((resolve) => setTimeout(resolve, 10))
      // And again.
      expect((await one(signals).check(operation)).load).toBe(0)
    } finally {
      for (const signal of signals) await signal.close?.()
      await database.query(`DROP ROLE plain_${database.name}`)
    }
  })

  it('of a server that is not there is told once, and the run goes on', async () => {
    await using place = await TestSchema.create(database)
    const rows: Row[] = Array.from({ length: 50 }, (_, id) => ({ id }))
    const report = await startPipeline({
      name: 'x',
      source: memorySource<Row>({ records: rows, key: 'id' }),
      sink: postgresSink({ connection: database.url, table: `${place.name}.t`, stateSchema: place.name }),
      signals: postgresHealth({ connection: 'postgres://me:hunter2@127.0.0.1:1/none', lockWaits: 1 }),
    }).result
    expect(report).toMatchObject({ status: 'completed', counts: { read: 50 } })
    expect(report.warnings.map(({ code }) => code)).toEqual(['SIGNAL_FAILED'])
    expect(report.warnings[0]?.message).toContain('127.0.0.1:1/none')
    expect(report.warnings[0]?.message).not.toContain('hunter2')
  })

  it('holds a run back while it is bad, and lets it go on', async () => {
    await using place = await TestSchema.create(database)
    const busy = [await client(), await client(), await client(), await client()]
    for (const each of busy) await each.query('BEGIN')
    const rows: Row[] = Array.from({ length: 500 }, (_, id) => ({ id }))
    const live = startPipeline({
      name: 'x',
      source: memorySource<Row>({ records: rows, key: 'id' }),
      sink: postgresSink({ connection: database.url, table: `${place.name}.t`, stateSchema: place.name }),
      signals: postgresHealth({ connection: database.url, activeTransactions: 2 }).map((signal) => ({
        ...signal,
        everyMs: 20,
      })),
    })
    const reason = await new Promise((resolve) =>
      live.events.on('run:throttled', ({ throttle }) => resolve(throttle?.reason)),
    )
    expect(reason).toMatch(/^\d+ active transactions of 2$/)
    expect(live.status()?.counts.read).toBe(0)
    for (const each of busy) await each.query('ROLLBACK')
    expect(await live.result).toMatchObject({ status: 'completed', counts: { written: 500 } })
  })
})

describeOwnServer('the lag of a standby', () => {
  let primary: PostgresServer
  let standby: PostgresServer
  let writer: pg.Client
  let reader: pg.Client
  beforeAll(async () => {
    primary = await startPostgres({ inMemory: true })
    standby = await startPostgres({ standbyOf: primary, inMemory: true })
    writer = new pg.Client({ connectionString: primary.url })
    reader = new pg.Client({ connectionString: standby.url })
    await Promise.all([writer.connect(), reader.connect()])
    await writer.query('CREATE TABLE t (v int)')
  }, 60_000)
  afterAll(async () => {
    await Promise.all([writer?.end(), reader?.end()])
    await standby?.[Symbol.asyncDispose]()
    await primary?.[Symbol.asyncDispose]()
  })

  let signal: HealthSignal
  beforeEach(() => {
    signal = one(postgresHealth({ connection: primary.url, replicaLagMs: 100 }))
  })
  afterEach(async () => {
    await signal.close?.()
  })

  it('grows while it does not replay, and is gone when it has caught up', async () => {
    await readingWhere(signal, ({ reason }) => reason.includes('(standby)'))
    await reader.query('SELECT pg_wal_replay_pause()')
    await writer.query('INSERT INTO t SELECT generate_series(1, 1000)')
    const { reason } = await readingWhere(signal, ({ load }) => load >= 2)
    expect(reason).toMatch(/^replica lag 0\.[2-9] s of 0\.1 s \(standby\)$/)
    await readingWhere(signal, ({ load }) => load >= 4)
    await reader.query('SELECT pg_wal_replay_resume()')
    // The server itself tells of the last lag for some seconds more.
    await writer.query('INSERT INTO t VALUES (1)')
    const { load } = await readingWhere(signal, ({ load }) => load < 1)
    expect(load).toBeLessThan(1)
  })

  it('is not made up by a user who may not see it', async () => {
    await writer.query(`CREATE ROLE plain LOGIN PASSWORD 'plain'`)
    const url = new URL(primary.url)
    url.username = 'plain'
    url.password = 'plain'
    const blind = one(postgresHealth({ connection: url.href, replicaLagMs: 100 }))
    await expect(blind.check(operation)).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('GRANT pg_monitor'),
    })
    await writer.query('GRANT pg_monitor TO plain')
    expect((await blind.check(operation)).reason).toMatch(/standby/)
    await blind.close?.()
  })
})

describe('options that make no sense', () => {
  const connection = 'postgres://localhost/x'
  it.each([
    [{ connection }, /it watches nothing; give at least one of replicaLagMs, lockWaits/],
    [{ connection, lockWaits: 0 }, /lockWaits is a whole number of at least 1/],
    [{ connection, lockwaits: 3 }, /did you mean "lockWaits"/],
    [{ connection: 'mysql://x', lockWaits: 3 }, /begins with mysql/],
  ])('are refused', (options, message) => {
    expect(() => postgresHealth(options as never)).toThrow(message)
  })
})
