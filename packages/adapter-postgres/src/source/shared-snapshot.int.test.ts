import { from, memorySink, memoryStateStore, type Row, startPipeline } from '@drover/core'
import { type PostgresServer, startPostgres } from '@drover-internal/postgres-server'
import { describeOwnServer, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { postgresSource } from './postgres-source.js'
import { failure, operation, readSession, readSource, whole } from './testing/read-source.js'

const page = { records: 10, bytes: 1e6 }
const applicationName = 'one moment'
const ours = `FROM pg_stat_activity WHERE application_name = '${applicationName}'`
const gone = { code: 'STORE_UNAVAILABLE', isRetryable: false, message: expect.stringContaining('gone') }

describeOwnServer('a snapshot', () => {
  let server: PostgresServer
  beforeAll(async () => {
    // A transaction of anybody, autovacuum's too, ends the moment that a resumed read looks for.
    server = await startPostgres({ settings: { autovacuum: 'off' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())
  const database = useDatabase(() => server.url)
  const source = () => postgresSource({ connection: database.url, table: 't', snapshot: true, applicationName })

  beforeEach(async () => {
    await database.query('DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, v int)')
    await database.query('INSERT INTO t SELECT g, 0 FROM generate_series(1, 100) g')
  })

  const idle = `SELECT pid FROM pg_stat_activity WHERE application_name = '${applicationName}' AND state = 'idle in transaction'`

  it('is the same for all partitions, reads, counts and cuts of a session', async () => {
    await using session = await source().connect(operation)
    const parts = (await session.partition?.({ ...operation, count: 4 })) ?? []
    await database.query(
      'UPDATE t SET v = 1; DELETE FROM t WHERE id < 50; INSERT INTO t SELECT g, 1 FROM generate_series(101, 200) g',
    )
    const rows = []
    for (const partition of parts) rows.push(...(await readSession(session, { partition, page })).rows)
    expect(rows.map(({ id, v }) => [id, v])).toEqual(Array.from({ length: 100 }, (_, i) => [i + 1, 0]))
    expect(await session.count?.(operation)).toEqual({ value: 100, exact: true })
    expect(await session.partition?.({ ...operation, count: 4 })).toEqual(parts)
    const { pages } = await readSession(session, { page })
    expect((await readSession(session, { after: pages[4]?.cursor ?? null, page })).rows[0]).toEqual({ id: 51, v: 0 })
  })

  it('is said to be gone at once when its connection breaks off, and not tried again', async () => {
    await database.query('INSERT INTO t SELECT g, 0 FROM generate_series(101, 300000) g')
    const run = startPipeline({
      name: 'copy',
      source: from(source()).pipe(async (record: Row) => {
        if (record.id === 1000) await database.query(`SELECT pg_terminate_backend(pid) ${ours}`)
        return record
      }),
      sink: memorySink<Row>(),
      state: memoryStateStore(),
    })
    let retries = 0
    run.events.on('batch:retried', () => retries++)
    expect(await failure(() => run.result)).toMatchObject(gone)
    expect(retries).toBe(0)
  })

  it('is said to be gone to a read that begins later', async () => {
    await using session = await source().connect(operation)
    await database.query(`SELECT pg_terminate_backend(pid) ${ours}`)
    await expect.poll(() => database.query(idle)).toEqual([])
    expect(await failure(() => readSession(session))).toMatchObject(gone)
    expect(await failure(() => session.count?.(operation))).toMatchObject(gone)
  })

  it('is said to be gone while a read is under way', async () => {
    await database.query(`INSERT INTO t SELECT g, 0 FROM generate_series(101, 300000) g`)
    await using session = await source().connect(operation)
    const reading = async () => {
      for await (const _ of session.read({ ...whole, page })) {
        await database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${applicationName}'`,
        )
      }
    }
    expect(await failure(reading)).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: false,
      message: expect.stringContaining('gone'),
    })
  })

  it('outlives the connections that read it', async () => {
    await database.query(`INSERT INTO t SELECT g, 0 FROM generate_series(101, 300000) g`)
    await using session = await source().connect(operation)
    let seen: unknown[] = []
    let cursor = null
    const reading = async () => {
      for await (const next of session.read({ ...whole, page: { records: 1000, bytes: 1e6 } })) {
        for (const { source: key } of next.keys()) seen.push(key[0])
        cursor = next.cursor
        await database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${applicationName}' AND query LIKE 'COPY%'`,
        )
        await database.query('DELETE FROM t WHERE id > 200000')
      }
    }
    expect(await failure(reading)).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
    seen = [...seen, ...(await readSession(session, { after: cursor })).keys.map(([id]) => id)]
    expect(seen).toEqual(Array.from({ length: 300_000 }, (_, i) => i + 1))
  })

  it('goes on in another session as long as nothing was written, and not after that', async () => {
    const { pages } = await readSource(source(), { page })
    const after = JSON.parse(JSON.stringify(pages[4]?.cursor))
    expect((await readSource(source(), { after, page })).rows).toHaveLength(50)
    await database.query('INSERT INTO t VALUES (1000, 0)')
    const gone = await failure(() => readSource(source(), { after, page }))
    expect(gone).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: false })
    // A new run that begins where an older one ended is another matter.
    const end = pages.at(-1)?.cursor ?? null
    const partition = { id: 'all', bounds: null, ...(end === null ? {} : { start: end }) }
    expect((await readSource(source(), { after: end, partition })).rows).toEqual([{ id: 1000, v: 0 }])
  })

  it('is given back with its session', async () => {
    const session = await source().connect(operation)
    expect(await database.query(idle)).toHaveLength(1)
    await session[Symbol.asyncDispose]()
    await expect.poll(() => database.query(idle)).toEqual([])
  })
})
