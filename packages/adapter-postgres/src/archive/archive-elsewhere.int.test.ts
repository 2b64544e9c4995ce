import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AckSink,
  DroverError,
  type ExactSink,
  from,
  sink as functionSink,
  jsonSink,
  memorySink,
  memorySource,
  ndjsonSink,
  type Row,
  runBackfill,
  runPipeline,
  type Sink,
  startBackfill,
} from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { postgresSink } from '../sink/postgres-sink.js'
import { postgresSource } from '../source/postgres-source.js'
import { Life } from '../testing/life.js'
import { Referring } from '../testing/referring.js'
import { failure } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { overriding } from './overriding.js'
import { type PostgresArchiveOptions, postgresArchive } from './postgres-archive.js'

describePostgres('postgresArchive to another store', () => {
  const database = useDatabase()
  const elsewhere = useDatabase()
  let place: TestSchema
  let folder: string
  let file: string

  beforeEach(async () => {
    place = await TestSchema.create(database)
    folder = await mkdtemp(join(tmpdir(), 'drover-archive-'))
    file = join(folder, 'old.ndjson')
    await exec(`
      CREATE TABLE @messages (
        id bigint PRIMARY KEY, content text NOT NULL, old boolean DEFAULT true, price numeric(10,2), at timestamptz, tags text[],
        data jsonb, raw bytea, span interval, length int GENERATED ALWAYS AS (length(content)) STORED);
      CREATE FUNCTION @add(first int, last int) RETURNS void LANGUAGE sql AS $$
        INSERT INTO @messages (id, content, old, price, at, tags, data, raw, span)
        SELECT i, 'message ' || i, i % 2 = 0, i / 7.0, timestamptz 'epoch' + i * interval '1.000001 s', ARRAY['a', NULL, i::text],
          jsonb_build_object('b', 1.50, 'a', ARRAY[i]), int4send(i), i * interval '1 min' FROM generate_series(first, last) AS i $$`)
  })

  afterEach(async () => {
    await place[Symbol.asyncDispose]()
    await elsewhere.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await rm(folder, { recursive: true })
  })

  const at = (sql: string): string => sql.replaceAll('@', `${place.name}.`)
  const exec = (sql: string) => database.query(at(sql))
  const rows = async (sql: string): Promise<unknown[][]> => (await exec(sql)).map((row: object) => Object.values(row))
  const add = (first: number, last: number) => exec(`SELECT @add(${first}, ${last})`)
  const idsHere = async (): Promise<number[]> =>
    (await exec('SELECT id::int AS id FROM @messages ORDER BY id')).map((row: Row) => row.id as number)
  const lines = async (): Promise<Row[]> =>
    (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row)
  const otherServer = () => postgresSink({ connection: elsewhere.url, table: 'old', onConflict: 'update' })

  function archive(options: Partial<PostgresArchiveOptions> = {}) {
    return postgresArchive({
      name: 'archive',
      connection: database.url,
      stateSchema: place.name,
      table: `${place.name}.messages`,
      where: 'old -- these',
      to: ndjsonSink({ path: file }),
      batchSize: 100,
      ...options,
    })
  }

  const destinations: readonly (readonly [string, () => Sink<Row>, Partial<PostgresArchiveOptions>])[] = [
    ['another PostgreSQL', otherServer, {}],
    ['another PostgreSQL, by a filter', otherServer, { where: { old: { eq: true } } }],
    ['lines of JSON', () => ndjsonSink({ path: file }), {}],
    [
      'lines of JSON, by a filter that SQL cannot repeat',
      () => ndjsonSink({ path: file }),
      { where: { old: { eq: true }, content: { ne: '2020-01-01' } } },
    ],
    ['JSON', () => jsonSink({ path: join(folder, 'old.json') }), {}],
    ['memory', () => memorySink<Row>({ key: 'id', onConflict: 'update' }), {}],
    ['a store that only acknowledges', acknowledgingSink, {}],
  ]

  /** As a vector or document store: what was written is there when it says so, under the key, and of runs it knows nothing. */
  function acknowledgingSink(): AckSink<Row> {
    const store = new Map<unknown, Row>()
    return {
      specVersion: 1,
      name: 'acknowledging',
      guarantee: 'idempotent',
      inFlight: 3,
      connect: async () => ({
        async write(batch) {
          const before = store.size
          let count = 0
          for await (const page of batch) {
            for (const row of page.rows()) store.set(row.id, structuredClone(row))
            count += page.rows().length
          }
          const inserted = store.size - before
          return { inserted, updated: count - inserted, skipped: 0 }
        },
        readBack: () => memorySource<Row>({ records: [...store.values()], key: 'id' }),
        async [Symbol.asyncDispose]() {},
      }),
    }
  }

  it.each(destinations)('deletes what it finds equal there, and says so: %s', async (_, to, options) => {
    await add(1, 1_000)
    const backfiller = archive({ to: to(), ...options })
    const report = await runBackfill({ backfiller })
    expect(report).toMatchObject({ status: 'completed', counts: { read: 500, inserted: 500, skipped: 0 } })
    expect(report.account?.figures).toMatchObject({ copied: 500, verified: 500, deleted: 500, different: 0, gone: 0 })
    expect(await rows('SELECT count(*)::int, bool_or(old) FROM @messages')).toEqual([[500, false]])
    // What is there already stays, and is neither read nor deleted again.
    await add(1_001, 1_010)
    const again = await runBackfill({ backfiller })
    expect(again.counts).toMatchObject({ read: 5, inserted: 5 })
    expect(again.account?.figures).toMatchObject({ copied: 5, deleted: 5 })
    expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: 0, inserted: 0 })
    if (to().name.startsWith('ndjson')) {
      expect((await lines()).map(({ id }) => id)).toEqual(Array.from({ length: 505 }, (__, i) => 2 * i + 2))
    }
  })

  it('keeps what was changed, deleted or came to match after it was copied', async () => {
    await add(1, 400)
    const to = ndjsonSink({ path: file })
    const meddling = finishing(to, () =>
      exec(`
        UPDATE @messages SET content = 'edited' WHERE id IN (10, 20);
        UPDATE @messages SET old = false WHERE id = 30;
        DELETE FROM @messages WHERE id = 40;
        UPDATE @messages SET old = true WHERE id = 51`),
    )
    const report = await runBackfill({ backfiller: archive({ to: meddling }) })
    expect(report.counts).toMatchObject({ read: 198, inserted: 196, skipped: 2 })
    expect(report.account?.figures).toEqual({
      copied: 200,
      verified: 196,
      deleted: 196,
      different: 2,
      gone: 0,
      left: 3,
    })
    expect(report.account?.kept).toEqual([
      { key: [10], reason: expect.stringMatching(/^is another one in the destination: "content"/) },
      { key: [20], reason: expect.stringMatching(/^is another one/) },
      { key: [51], reason: expect.stringMatching(/^is not in the destination/) },
    ])
    expect((await idsHere()).filter((id) => id % 2 === 0)).toEqual([10, 20, 30])
  })

  it('compares each row as it is when it is locked', async () => {
    await add(1, 200)
    const backfiller = archive()
    const meddling = {
      ...backfiller,
      source: backfiller.source.filter(async ({ id }) => {
        // Everything was read back by then, and nothing is locked yet.
        if (id === 200)
          await exec(`UPDATE @messages SET price = 0 WHERE id = 100; UPDATE @messages SET old = false WHERE id = 102`)
        return true
      }),
    }
    const report = await runBackfill({ backfiller: meddling })
    expect(report.counts).toMatchObject({ read: 100, inserted: 98, skipped: 2 })
    expect(report.account?.figures).toMatchObject({ different: 1, gone: 1, left: 1 })
    expect((await idsHere()).filter((id) => id % 2 === 0)).toEqual([100, 102])
  })

  it('deletes nothing that it was not asked for, though the destination has it', async () => {
    await add(1, 10)
    await exec(`UPDATE @messages SET content = '2020-01-01' WHERE id = 2`)
    const own = postgresSource({ connection: database.url, table: `${place.name}.messages`, where: { id: { eq: 2 } } })
    await runPipeline({ name: 'own', source: own, sink: otherServer() })
    const where = { old: { eq: true }, content: { ne: '2020-01-01' } }
    const report = await runBackfill({ backfiller: archive({ to: otherServer(), where }) })
    expect(report.account?.figures).toMatchObject({ copied: 4, deleted: 4 })
    expect(await idsHere()).toEqual([1, 2, 3, 5, 7, 9])
  })

  it('deletes nothing that the destination has lost or spoilt', async () => {
    await add(1, 100)
    const spoilt = finishing(otherServer(), () =>
      elsewhere.query(
        `DELETE FROM old WHERE id = 2; UPDATE old SET data = '{"a": [4], "b": 1.5, "c": null}' WHERE id = 4; UPDATE old SET raw = NULL WHERE id = 6`,
      ),
    )
    const report = await runBackfill({ backfiller: archive({ to: spoilt }) })
    expect(report.account?.figures).toEqual({ copied: 50, verified: 47, deleted: 47, different: 2, gone: 0, left: 3 })
    expect(report.account?.kept.map(({ key }) => key)).toEqual([[4], [6], [2]])
    expect((await idsHere()).filter((id) => id % 2 === 0)).toEqual([2, 4, 6])
    // The next call copies them again.
    expect((await runBackfill({ backfiller: archive({ to: otherServer(), name: 'again' }) })).counts).toMatchObject({
      inserted: 3,
    })
  })

  it('loses no row that somebody begins to refer to', async () => {
    await add(1, 100)
    await exec('CREATE TABLE @notes (message bigint REFERENCES @messages (id) ON DELETE CASCADE)')
    await using referring = await Referring.begin(database, at('INSERT INTO @notes VALUES (60)'))
    const live = startBackfill({ backfiller: archive({ lockTimeoutMs: 0 }), maxRejected: 1 })
    await referring.commitOnceBlocking()
    const { counts, rejected } = await live.result
    expect(counts).toMatchObject({ read: 50, inserted: 49, rejected: 1 })
    expect(rejected).toMatchObject([{ key: [60], code: 'RECORD_REFUSED' }])
    expect(await rows('SELECT message::int FROM @notes')).toEqual([[60]])
  })

  it('copies again what a store that only acknowledges may have lost, and deletes none of it before', async () => {
    await add(1, 200)
    let writes = 0
    const sink = acknowledgingSink()
    const failing = overriding(sink, {
      connect: async (operation) => {
        const session = await sink.connect(operation)
        return overriding(session, {
          write: async (batch, how) => {
            const outcome = await session.write(batch, how)
            if (++writes === 2) throw new DroverError('STORE_UNAVAILABLE', 'gone, and nobody knows')
            return outcome
          },
        })
      },
    })
    const error = await failure(runBackfill({ backfiller: archive({ to: failing, batchSize: 30 }) }))
    expect(error.code).toBe('STORE_UNAVAILABLE')
    expect((await idsHere()).length).toBe(200)
    const report = await runBackfill({ backfiller: archive({ to: failing, batchSize: 30 }) })
    expect(report.account?.figures).toMatchObject({ copied: 100, verified: 100, deleted: 100 })
    expect(await rows('SELECT count(*)::int, bool_or(old) FROM @messages')).toEqual([[100, false]])
  })

  it('leaves locked rows alone when asked, and refuses those that others refer to', async () => {
    await add(1, 100)
    await exec(
      'CREATE TABLE @notes (message bigint REFERENCES @messages (id) ON DELETE CASCADE); INSERT INTO @notes VALUES (60), (71)',
    )
    const holder = new pg.Client({ connectionString: database.url })
    await holder.connect()
    try {
      await holder.query(at('BEGIN; SELECT FROM @messages WHERE id = 8 FOR UPDATE'))
      const error = await failure(runBackfill({ backfiller: archive({ skipLocked: true }) }))
      expect(error.message).toMatch(/notes.* refer to it by \(message\)/)
      const report = await runBackfill({ backfiller: archive({ skipLocked: true }), maxRejected: 1 })
      expect(report.counts).toMatchObject({ read: 50, inserted: 48, skipped: 1, rejected: 1 })
      expect(report.rejected).toMatchObject([{ key: [60], code: 'RECORD_REFUSED' }])
      expect(report.account?.figures).toMatchObject({ deleted: 48, gone: 1, left: 2 })
    } finally {
      await holder.end()
    }
    expect(await rows('SELECT count(*)::int FROM @notes')).toEqual([[2]])
  })

  /** Each of these is a place where the process may end. */
  it.each([
    ['another PostgreSQL', otherServer],
    ['lines of JSON', () => ndjsonSink({ path: file })],
  ] as const)('loses nothing, however often it breaks off: %s', async (_, to) => {
    await add(1, 300)
    let attempts = 0
    let report: Awaited<ReturnType<typeof runBackfill>> | undefined
    while (report === undefined) {
      const life = new Life(attempts++, () => new DroverError('UNEXPECTED', 'it dies here'))
      const backfiller = archive({ to: life.mortal(to()), batchSize: 50 })
      report = await runBackfill({ backfiller: { ...backfiller, sink: life.mortal(backfiller.sink) } }).catch(
        (error) => {
          if (!String(error).includes('it dies here')) throw error
          return undefined
        },
      )
      const there = new Set(await idsThere())
      const lost = (await missingIds()).filter((id) => !there.has(id))
      expect({ attempts, lost }).toEqual({ attempts, lost: [] })
    }
    expect(attempts).toBeGreaterThan(12)
    expect(report).toMatchObject({ status: 'completed', counts: { read: 150, inserted: 150, skipped: 0 } })
    expect((await idsThere()).sort((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (__, i) => 2 * i + 2))
    expect(await rows('SELECT count(*)::int FROM @messages WHERE old')).toEqual([[0]])

    async function idsThere(): Promise<number[]> {
      if (to !== otherServer) return (await lines().catch(() => [])).map(({ id }) => id as number)
      const [{ found }] = (await elsewhere.query(`SELECT to_regclass('old') IS NOT NULL AS found`)) as [
        { found: boolean },
      ]
      return found ? (await elsewhere.query('SELECT id::int AS id FROM old')).map((row: Row) => row.id as number) : []
    }

    async function missingIds(): Promise<number[]> {
      const here = new Set(await idsHere())
      return Array.from({ length: 300 }, (__, i) => i + 1).filter((id) => !here.has(id))
    }
  })

  it('stops while it copies, and goes on', async () => {
    await add(1, 600)
    const slow = overriding(ndjsonSink({ path: file }) as ExactSink<Row>, {})
    const live = startBackfill({ backfiller: archive({ to: slow, batchSize: 10 }) })
    live.events.on('run:started', () => void live.stop('enough'))
    const stopped = await live.result
    expect(stopped).toMatchObject({ status: 'stopped', reason: 'enough', counts: { read: 0 } })
    expect(await rows('SELECT count(*)::int FROM @messages')).toEqual([[600]])
    const report = await runBackfill({ backfiller: archive({ to: slow, batchSize: 10 }) })
    expect(report).toMatchObject({ run: stopped.run, status: 'completed', counts: { read: 300, inserted: 300 } })
  })

  it('deletes nothing if the destination is the table itself, or a part of it, whatever it is called', async () => {
    await exec(`
      CREATE TABLE @parts (id int PRIMARY KEY, old boolean) PARTITION BY RANGE (id);
      CREATE TABLE @part PARTITION OF @parts DEFAULT;
      INSERT INTO @parts SELECT i, true FROM generate_series(1, 20) AS i`)
    const connection = new URL(database.url)
    connection.searchParams.set('options', `-c search_path=${place.name}`)
    const itself = (table: string) => postgresSink({ connection: connection.href, table, onConflict: 'update' })
    for (const [name, table, to] of [
      ['same', 'parts', 'parts'],
      ['part', 'parts', 'part'],
      ['whole', 'part', 'parts'],
    ] as const) {
      const backfiller = archive({ name, table: `${place.name}.${table}`, to: itself(to) })
      expect(await failure(runBackfill({ backfiller }))).toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('the very table that rows are to leave'),
      })
    }
    expect(await rows('SELECT count(*)::int FROM @parts')).toEqual([[20]])
  })

  it('refuses a sink that cannot be read back, or may write a row twice, and continues a file of somebody else', async () => {
    await add(1, 10)
    const error = await failure(runBackfill({ backfiller: archive({ to: memorySink<Row>() }) }))
    expect(error.message).toMatch(/cannot be read back/)
    expect((await idsHere()).length).toBe(10)
    const twice = functionSink<Row>({ name: 'mail', guarantee: 'at-least-once', write: async () => {} })
    expect((await failure(() => archive({ to: twice }))).message).toMatch(/may write a row twice/)
    const own = postgresSource({ connection: database.url, table: `${place.name}.messages`, where: { id: { eq: 1 } } })
    await runPipeline({
      name: 'own',
      source: from(own),
      sink: ndjsonSink({ path: file }),
      state: memorySink().stateStore?.() as never,
    })
    await runBackfill({ backfiller: archive({ name: 'other' }) })
    expect((await lines()).map(({ id }) => id)).toEqual([1, 2, 4, 6, 8, 10])
  })
})

/** The same sink; `then` happens when all was copied, and before anything is verified. */
function finishing<S extends Sink<Row>>(sink: S, then: () => Promise<unknown>): S {
  return overriding<Sink<Row>>(sink, {
    connect: async (operation: never) => {
      const session = await sink.connect(operation)
      return overriding(session as object as { finish(...parameters: unknown[]): Promise<void> }, {
        finish: async (...parameters) => {
          await session.finish?.(...(parameters as Parameters<NonNullable<typeof session.finish>>))
          await then()
        },
      }) as never
    },
  } as object as Partial<Sink<Row>>) as S
}
