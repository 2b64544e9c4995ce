import { memorySink, memoryStateStore, type Page, type Row, runPipeline, type Source } from '@drover/core'
import { type PostgresServer, startPostgres } from '@drover-internal/postgres-server'
import { describeOwnServer, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { postgresSource } from './postgres-source.js'
import { failure, operation, readSession, readSource, whole } from './testing/read-source.js'

const page = { records: 10, bytes: 1e6 }

describeOwnServer('commits that come late', () => {
  let server: PostgresServer
  beforeAll(async () => {
    // The oldest transaction that is open counts, in whatever database: other tests have some.
    server = await startPostgres({ settings: { autovacuum: 'off' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())
  const database = useDatabase(() => server.url)
  let tables = 0
  let table: string
  let late: pg.Client

  beforeEach(async () => {
    table = `t${++tables}`
    await database.query(`CREATE TABLE ${table} (id serial PRIMARY KEY, v text)`)
    late = new pg.Client({ connectionString: database.url })
    await late.connect()
  })
  afterEach(() => late.end())

  const source = (options = {}) => postgresSource({ connection: database.url, table, ...options })
  const idsOf = (rows: readonly Row[]) => rows.map(({ id }) => Number(id)).sort((a, b) => a - b)
  const to = (last: number) => Array.from({ length: last }, (_, i) => i + 1)

  /** A transaction that has the numbers 41 to 43 and is still open while all around it commits. */
  async function openInTheMiddle(): Promise<void> {
    await database.query(`INSERT INTO ${table} (v) SELECT 'early' FROM generate_series(1, 40)`)
    await late.query(`BEGIN; INSERT INTO ${table} (v) SELECT 'late' FROM generate_series(1, 3)`)
    await database.query(`INSERT INTO ${table} (v) SELECT 'early' FROM generate_series(1, 40)`)
  }

  /** What a run reads, the transaction being committed once the run is behind its place. */
  async function readWhile(read: Source, commitAfter: number): Promise<Page<Row>[]> {
    await using session = await read.connect(operation)
    const pages: Page<Row>[] = []
    let seen = 0
    for await (const next of session.read({ ...whole, page })) {
      pages.push(next)
      seen += next.count
      if (seen === commitAfter) await late.query('COMMIT')
    }
    return pages
  }

  it('are lost for good to a read by key alone', async () => {
    await openInTheMiddle()
    const pages = await readWhile(source(), 60)
    expect(idsOf(pages.flatMap((one) => one.rows()))).toEqual(to(83).filter((id) => id < 41 || id > 43))
    const next = await readSource(source(), { after: pages.at(-1)?.cursor ?? null })
    expect(next.rows).toEqual([])
  })

  it('are caught up in a second pass, which ends', async () => {
    await openInTheMiddle()
    const pages = await readWhile(source({ catchUp: true }), 60)
    const rows = pages.flatMap((one) => one.rows())
    expect([...new Set(idsOf(rows))]).toEqual(to(83))
    // The early ones behind the open transaction are newer than it, and come again.
    expect(rows).toHaveLength(80 + 43)
  })

  it('are caught up by the next run if they come later than that, and so is what was changed', async () => {
    await openInTheMiddle()
    const first = await readSource(source({ catchUp: true }), { page })
    await late.query('COMMIT')
    await database.query(`UPDATE ${table} SET v = 'changed' WHERE id = 7`)
    await database.query(`INSERT INTO ${table} (v) VALUES ('new')`)
    const start = first.pages.at(-1)?.cursor ?? null
    const partition = { id: 'all', bounds: null, start }
    const next = await readSource(source({ catchUp: true }), { page, partition, after: start })
    const seen = new Map(next.rows.map(({ id, v }) => [Number(id), v]))
    for (const id of [41, 42, 43]) expect(seen.get(id)).toBe('late')
    expect(seen.get(7)).toBe('changed')
    expect(seen.get(84)).toBe('new')
    expect(seen.has(6)).toBe(false)
  })

  it('are caught up whatever page the run is broken off at', async () => {
    await openInTheMiddle()
    const first: Page<Row>[] = await readWhile(source({ catchUp: true }), 60)
    for (const [i, { cursor }] of first.entries()) {
      const before = first.slice(0, i + 1).flatMap((one) => one.rows())
      const rest = await readSource(source({ catchUp: true }), { page, after: JSON.parse(JSON.stringify(cursor)) })
      expect([...new Set(idsOf([...before, ...rest.rows]))]).toEqual(to(83))
    }
  })

  it('reach a sink with a key once, in partitions, run after run; one without a key is refused', async () => {
    await openInTheMiddle()
    const sink = memorySink<Row>({ key: ['id'], onConflict: 'update' })
    const state = memoryStateStore()
    const run = () =>
      runPipeline({ name: 'copy', source: source({ catchUp: true }), sink, state, parallel: 2, again: 'incremental' })
    await run()
    expect(sink.store.rows).toHaveLength(80)
    await late.query('COMMIT')
    await run()
    expect(idsOf(sink.store.rows)).toEqual(to(83))
    const again = await run()
    expect(again.counts.inserted).toBe(0)
    const bare = runPipeline({ name: 'bare', source: source({ catchUp: true }), sink: memorySink<Row>(), state })
    expect(await failure(() => bare)).toMatchObject({ code: 'DUPLICATES_NOT_ALLOWED' })
  })

  it('that move a record behind the read by changing its key are caught up', async () => {
    await database.query(`INSERT INTO ${table} SELECT g, 'v' FROM generate_series(11, 60) g`)
    await late.query(`BEGIN; UPDATE ${table} SET id = 1 WHERE id = 60`)
    const rows = (await readWhile(source({ catchUp: true }), 50)).flatMap((one) => one.rows())
    expect(rows.some(({ id }) => id === 1)).toBe(true)
  })

  it('are not known of in views, and a cursor of another kind is refused', async () => {
    await database.query(`CREATE VIEW ${table}_view AS SELECT * FROM ${table}`)
    const view = postgresSource({ connection: database.url, table: `${table}_view`, key: 'id', catchUp: true })
    expect(await failure(() => view.connect(operation))).toMatchObject({ code: 'OPTION_INVALID' })
    await database.query(`INSERT INTO ${table} (v) VALUES ('x')`)
    for (const [kind, other] of [
      [{}, { catchUp: true }],
      [{ catchUp: true }, {}],
    ] as const) {
      const { pages } = await readSource(source(kind))
      const after = pages[0]?.cursor ?? null
      expect(await failure(() => readSource(source(other), { after }))).toMatchObject({ code: 'STATE_INVALID' })
    }
  })

  it('are looked for among all records if the mark is of another server, or too old to be compared', async () => {
    await database.query(`INSERT INTO ${table} (v) SELECT 'v' FROM generate_series(1, 5)`)
    await using session = await source({ catchUp: true }).connect(operation)
    for (const mark of ['99999999999999', '3']) {
      const start = { pass: 2, floor: '3', mark, key: null }
      const { rows } = await readSession(session, { after: start, partition: { id: 'all', bounds: null, start } })
      expect(rows.length).toBeGreaterThanOrEqual(5)
    }
  })
})
