import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { dryRun, formatDryRun, from, memorySource, type PipelineOptions, type Row } from '@drover/core'
import { findBinaries } from '@drover-internal/postgres-server'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postgresBackfill } from '../backfill/postgres-backfill.js'
import type { PostgresSinkOptions } from '../sink/postgres-sink.js'
import { postgresSink } from '../sink/postgres-sink.js'
import { postgresSource } from '../source/postgres-source.js'

const records: readonly Row[] = Array.from({ length: 1500 }, (_, id) => ({ id, text: `text ${id}` }))
const columns = 'id bigint PRIMARY KEY, text text NOT NULL'

describePostgres('a dry run', () => {
  const database = useDatabase()
  let before: string

  const pipeline = (options: Partial<PostgresSinkOptions> = {}): PipelineOptions<object> => ({
    name: 'dry',
    source: memorySource({ records, key: 'id' }),
    sink: postgresSink({ connection: database.url, table: 'messages', ...options }),
  })

  /** All that is in the database, sequences too. */
  async function dumped(): Promise<string> {
    const program = join(findBinaries()?.folder ?? '', 'pg_dump')
    if (!existsSync(program)) return await summed()
    const { stdout } = await promisify(execFile)(program, ['--inserts', database.url], { maxBuffer: 1 << 26 })
    // Newer ones guard against what a dump may tell psql to do, by a word that is another one each time.
    return stdout.replace(/^\\(?:un)?restrict .*$/gm, '') + (await summed())
  }

  /** For a server without that program, and for what it does not say. */
  async function summed(): Promise<string> {
    const [relations, sequences] = [
      await database.query(
        `SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1`,
      ),
      await database.query('SELECT sequencename, last_value FROM pg_sequences ORDER BY 1'),
    ]
    return JSON.stringify([relations, sequences], (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
  }

  const left = async (): Promise<void> => expect(await dumped()).toBe(before)

  beforeEach(async () => {
    await database.query(`CREATE TABLE IF NOT EXISTS other (id serial PRIMARY KEY, note text)`)
    await database.query(`INSERT INTO other (note) VALUES ('there')`)
  })
  afterEach(() => database.query('DROP TABLE IF EXISTS messages CASCADE'))

  it('leaves no table, and names those that a run would create', async () => {
    before = await dumped()
    const { problems, creates, forecast } = await dryRun(pipeline())
    expect(problems).toEqual([])
    const ours = ['meta', 'runs', 'partitions', 'indexes'].map((name) => `table "drover_${name}"`)
    expect(creates).toEqual(['table "messages"', ...ours])
    expect(forecast).toMatchObject({ includesWriting: true })
    await left()
  })

  it.each([['error'], ['update'], ['skip']] as const)(
    'leaves rows and sequences as they are, with the policy %s',
    async (onConflict) => {
      await database.query('CREATE TABLE messages (id serial PRIMARY KEY, text text NOT NULL, note int DEFAULT 5)')
      await database.query(`INSERT INTO messages (id, text) SELECT 1e6 + g, 'there' FROM generate_series(1, 100) AS g`)
      before = await dumped()
      const { problems, forecast } = await dryRun(pipeline({ onConflict }))
      expect(problems).toEqual([])
      expect(forecast).toMatchObject({ includesWriting: true })
      await left()
    },
  )

  it('leaves what a backfill would change', async () => {
    await database.query(`CREATE TABLE messages (${columns}, tokens integer)`)
    await database.query(`INSERT INTO messages SELECT g, 'text ' || g FROM generate_series(1, 3000) AS g`)
    before = await dumped()
    const backfiller = postgresBackfill({
      name: 'tokens',
      connection: database.url,
      table: 'messages',
      where: { tokens: { isNull: true } },
      reads: ['text'],
      sets: ['tokens'],
      set: (row) => ({ tokens: String(row.text).length }),
    })
    const report = await dryRun({ backfiller })
    expect(report).toMatchObject({ problems: [], count: { value: 3000, exact: true } })
    expect(report.forecast).toMatchObject({ includesWriting: true })
    await left()
  })

  describe('does not write what could not be taken back', () => {
    it.each<[string, string, RegExp]>([
      ['a column that counts', `n serial, ${columns}`, /column "n".*values of a sequence/],
      ['an identity', `n int GENERATED ALWAYS AS IDENTITY, ${columns}`, /column "n".*values of a sequence/],
      ['another default', `n bigint DEFAULT nextval('other_id_seq') * 2, ${columns}`, /column "n".*nextval/],
      ['a function of the user', `n int DEFAULT counted(), ${columns}`, /column "n" calls a function/],
    ])('%s', async (_, definition, message) => {
      await database.query(
        `CREATE OR REPLACE FUNCTION counted() RETURNS int LANGUAGE sql AS $$SELECT nextval('other_id_seq')::int$$`,
      )
      await database.query(`CREATE TABLE messages (${definition})`)
      before = await dumped()
      const { problems, notWritten, forecast } = await dryRun(pipeline())
      expect(problems).toEqual([])
      expect(notWritten).toMatch(message)
      expect(forecast).toMatchObject({ includesWriting: false })
      await left()
    })

    it('behind a trigger', async () => {
      await database.query(`CREATE TABLE messages (${columns})`)
      await database.query(`CREATE OR REPLACE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN PERFORM nextval('other_id_seq'); RETURN new; END$$`)
      await database.query('CREATE TRIGGER counting BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION count_it()')
      before = await dumped()
      const { notWritten } = await dryRun(pipeline())
      expect(notWritten).toMatch(/its trigger "counting"/)
      await left()
    })

    it('into a table that would get columns', async () => {
      await database.query('CREATE TABLE messages (id bigint PRIMARY KEY)')
      before = await dumped()
      const { notWritten, creates } = await dryRun(pipeline({ newColumns: 'add' }))
      expect(creates[0]).toBe('column "text" of table "messages"')
      expect(notWritten).toMatch(/would get columns/)
      await left()
    })
  })

  it('names the rights that are missing', async () => {
    await database.query(`CREATE TABLE messages (${columns})`)
    await database.query(
      `DO $$BEGIN CREATE ROLE dry_reader LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN NULL; END$$`,
    )
    await database.query('GRANT SELECT ON messages TO dry_reader')
    const url = new URL(database.url)
    ;[url.username, url.password] = ['dry_reader', 'x']
    const { problems } = await dryRun(pipeline({ connection: url.href, stateSchema: 'public' }))
    expect(problems).toEqual([{ code: 'STORE_DENIED', message: expect.stringContaining('CREATE') }])
    await database.query('GRANT CREATE ON SCHEMA public TO dry_reader')
    const { problems: others } = await dryRun(pipeline({ connection: url.href }))
    expect(others).toEqual([{ code: 'STORE_DENIED', message: expect.stringContaining('GRANT INSERT') }])
    await database.query('DROP OWNED BY dry_reader; DROP ROLE dry_reader')
  })

  describe('of a run with undo', () => {
    const kept = (options: Partial<PostgresSinkOptions> = {}) => pipeline({ undo: true, ...options })

    it('names the table that keeps what rows were', async () => {
      before = await dumped()
      const { problems, creates } = await dryRun(kept())
      expect([problems, creates.at(-1)]).toEqual([[], 'table "drover_before_images"'])
      await left()
    })

    it('names the right that is missing on it', async () => {
      await database.query(`CREATE TABLE messages (${columns}); CREATE TABLE drover_before_images (id int)`)
      await database.query(`COMMENT ON TABLE drover_before_images IS 'Drover: before-images, version 1'`)
      await database.query(`CREATE ROLE dry_keeper LOGIN PASSWORD 'x'; GRANT SELECT, INSERT ON messages TO dry_keeper`)
      await database.query('GRANT CREATE ON SCHEMA public TO dry_keeper')
      const url = new URL(database.url)
      ;[url.username, url.password] = ['dry_keeper', 'x']
      const { problems } = await dryRun(kept({ connection: url.href }))
      expect(problems).toEqual([{ code: 'STORE_DENIED', message: expect.stringContaining('drover_before_images') }])
      await database.query('DROP TABLE drover_before_images; DROP OWNED BY dry_keeper; DROP ROLE dry_keeper')
    })

    it('names a table in which no row would be found again', async () => {
      await database.query('CREATE TABLE messages (id bigint, text text)')
      expect((await dryRun(kept())).problems).toMatchObject([{ code: 'SINK_NOT_READY' }])
    })
  })

  it('names what the server would refuse, and what a column would lose', async () => {
    await database.query(`CREATE TABLE messages (${columns}, CHECK (id < 500))`)
    before = await dumped()
    expect((await dryRun(pipeline())).problems).toMatchObject([{ code: 'RECORD_REFUSED' }])
    await left()
    await database.query('ALTER TABLE messages ALTER COLUMN text TYPE real USING 0')
    const fields = [
      { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
      { name: 'text', type: { kind: 'float', bits: 64 }, nullable: false },
    ] as const
    const wide = memorySource({ records: [{ id: 1, text: 0.1 }], key: 'id', schema: { fields } })
    const report = await dryRun({ ...pipeline(), source: wide })
    expect(report.fidelity).toEqual([expect.objectContaining({ field: 'text' })])
    expect(formatDryRun(report)).toContain('would be lost')
  })

  it('waits for nobody who keeps the table locked', async () => {
    await database.query(`CREATE TABLE messages (${columns})`)
    const holder = new pg.Client(database.url)
    await holder.connect()
    await holder.query('BEGIN; LOCK TABLE messages')
    const begun = performance.now()
    expect((await dryRun(pipeline())).problems).toMatchObject([{ code: 'STORE_BUSY' }])
    expect(performance.now() - begun).toBeLessThan(20_000)
    await holder.end()
  })

  it('says whether the count is exact, and takes a sample from all over the table', async () => {
    await database.query(`CREATE TABLE messages (${columns})`)
    await database.query(
      `INSERT INTO messages SELECT g, 'text ' || g FROM generate_series(1, 10000) AS g; ANALYZE messages`,
    )
    const source = postgresSource({ connection: database.url, table: 'messages', count: 'estimate' })
    const flow = from(source).pipe((row) => ({ ...row, text: 'after' }))
    const { count, sample } = await dryRun({ ...pipeline({ table: 'copy' }), source: flow }, { sample: 5 })
    expect(count).toMatchObject({ exact: false })
    const ids = sample.map(({ key }) => Number(key[0]))
    expect(Math.max(...ids) - Math.min(...ids)).toBeGreaterThan(5000)
    expect(sample.every(({ before: one, after }) => one.text !== 'after' && after[0]?.text === 'after')).toBe(true)
  })
})
