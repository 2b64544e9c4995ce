import { from, type LiveRun, memorySource, type Row, startPipeline } from '@drover/core'
import { type PostgresServer, startPostgres } from '@drover-internal/postgres-server'
import { describeOwnServer } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { PostgresConfig } from '../connection/postgres-location.js'
import { postgresSink } from './postgres-sink.js'

describeOwnServer('a run whose server', () => {
  const most = 3_000
  const rows: Row[] = Array.from({ length: most }, (_, i) => ({ id: i + 1, a: `of ${i + 1}`.padEnd(200) }))
  let server: PostgresServer

  beforeAll(async () => {
    // What was committed is still there after a crash.
    server = await startPostgres({ settings: { fsync: 'on', synchronous_commit: 'on', max_connections: 12 } })
  }, 60_000)
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(() =>
    ask(
      'DROP TABLE IF EXISTS t, drover_meta, drover_runs, drover_partitions, drover_indexes; CREATE TABLE t (id int PRIMARY KEY, a text)',
    ),
  )

  async function ask(sql: string): Promise<Row | undefined> {
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    try {
      return [(await client.query(sql)) as pg.QueryResult | pg.QueryResult[]].flat().at(-1)?.rows[0]
    } finally {
      await client.end()
    }
  }

  /** Something happens while the COPY of the first batch is open. */
  function copy(duringCopy: () => Promise<unknown>, connection: string | PostgresConfig = server.url): LiveRun {
    let isDone = false
    return startPipeline({
      name: 'a',
      source: from(memorySource<Row>({ records: rows, key: 'id' })).pipe(async (row: Row) => {
        if (row.id === 2_500 && !isDone) {
          isDone = true
          while (
            (
              await ask(
                `SELECT bool_or(query LIKE 'COPY%') AS open FROM pg_stat_activity WHERE application_name = 'drover'`,
              )
            )?.open !== true
          );
          await duringCopy()
        }
        return row
      }),
      sink: postgresSink({ connection, table: 't' }),
      maxRetries: 12,
    })
  }

  async function expectExact(live: LiveRun): Promise<void> {
    const report = await live.result
    expect(report.attempt.retries).toBeGreaterThan(0)
    expect(report.counts).toMatchObject({ read: most, inserted: most, rejected: 0 })
    expect(await ask('SELECT count(*)::int AS n, count(DISTINCT a)::int AS d FROM t')).toEqual({ n: most, d: most })
  }

  it.each(['stop', 'crash'] as const)('goes away during COPY and comes back has every record once: %s', async (how) => {
    const live = copy(async () => {
      await server[how]()
      await server.start()
    })
    await expectExact(live)
  })

  it('comes back as one that can only be read waits until it can be written again', async () => {
    const live = copy(async () => {
      await ask('ALTER SYSTEM SET default_transaction_read_only = on')
      await server.stop()
      await server.start()
    })
    const told = new Promise<string>((resolve) => {
      live.events.on('batch:retried', ({ code, message }) => {
        if (message.includes('read-only transaction')) resolve(`${code} ${message}`)
      })
    })
    expect(await told).toMatch(
      /^STORE_UNAVAILABLE .*It took writes before: after a failover, connect to the new primary/,
    )
    await ask('ALTER SYSTEM RESET default_transaction_read_only')
    await ask('SELECT pg_reload_conf()')
    await expectExact(live)
  })

  it('has no connection left is waited for', async () => {
    const clients: pg.Client[] = []
    const fill = async (): Promise<void> => {
      for (;;) {
        const client = new pg.Client({ connectionString: server.url })
        client.on('error', () => {})
        try {
          await client.connect()
        } catch (error) {
          expect(error).toMatchObject({ code: '53300' })
          return
        }
        clients.push(client)
      }
    }
    await fill()
    const live = copy(async () => {
      await ask(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'drover' AND query LIKE 'COPY%'`,
      )
      await fill()
    })
    const told: string[] = []
    live.events.on('batch:retried', ({ code, message }) => {
      if (code !== 'STORE_BUSY') return
      told.push(message)
      for (const client of clients.splice(0)) void client.end()
    })
    await expectExact(live)
    expect(told.length).toBeGreaterThanOrEqual(2)
    expect(told[0]).toMatch(/too many clients.*Raise max_connections/)
  })

  it('changes the password meanwhile is entered with the new one, also if the function is late to know it', async () => {
    await ask(`CREATE ROLE rotated LOGIN SUPERUSER PASSWORD 'hunter1'`)
    let isRotated = false
    let late = 2
    const password = (): string => (isRotated && late-- <= 0 ? 'hunter2' : 'hunter1')
    const { hostname, port } = new URL(server.url)
    const connection = { host: hostname, port: Number(port), user: 'rotated', database: 'postgres', password }
    const live = copy(async () => {
      await ask(
        `ALTER ROLE rotated PASSWORD 'hunter2'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotated'`,
      )
      isRotated = true
    }, connection)
    const told: string[] = []
    live.events.on('batch:retried', ({ code, message }) => void told.push(`${code} ${message}`))
    await expectExact(live)
    expect(told.join('\n')).toMatch(/STORE_DENIED .*may not know the new password yet/)
    expect(told.join('\n')).not.toContain('hunter')
  })
})
