import { from, memorySource, type Row, runPipeline, startPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postgresSource } from '../source/postgres-source.js'
import { failure, TestLane } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { type PostgresSinkOptions, postgresSink } from './postgres-sink.js'

describePostgres('a field that the table has no column for', () => {
  const database = useDatabase()
  let place: TestSchema
  beforeEach(async () => {
    place = await TestSchema.create(database)
    await database.query(`SET search_path = ${place.name}; CREATE TABLE t (id int PRIMARY KEY, a text)`)
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const sink = (options: Partial<PostgresSinkOptions> = {}) =>
    postgresSink({ connection: database.url, table: `${place.name}.t`, stateSchema: place.name, ...options })
  const numbers: Row[] = Array.from({ length: 4_000 }, (_, i) => ({ id: i + 1, a: `a${i}` }))
  const columns = async () =>
    (
      await database.query(
        `SELECT attname || ' ' || format_type(atttypid, atttypmod) AS shown FROM pg_attribute
         WHERE attrelid = 't'::regclass AND attnum > 2 ORDER BY attnum`,
      )
    ).map(({ shown }) => shown)
  const summary = async (what: string) => (await database.query(`SELECT ${what} FROM t`))[0]

  describe('because a step sets it', () => {
    const note = (id: unknown) => ({ text: `of ${id}`, big: 2n ** 60n + BigInt(Number(id)) })
    /** From record 2501 on the field is there; it is null in the first of them. */
    async function run(options: Partial<PostgresSinkOptions>, late = (row: Row): Row => ({ ...row, n: note(row.id) })) {
      const live = startPipeline({
        name: 'noted',
        source: from(memorySource<Row>({ records: numbers, key: ['id'] })).pipe((row) => {
          const id = Number(row.id)
          return id <= 2_500 ? row : id === 2_501 ? { ...row, n: null } : late(row)
        }),
        sink: sink(options),
        batchSize: 2_000,
        maxRejected: 2_000,
      })
      const warned: string[] = []
      live.events.on('run:warning', ({ code, message }) => void warned.push(`${code} ${message}`))
      const report = await live.result
      return { report, warned: warned.filter((text) => !text.startsWith('DEAD_LETTERS')) }
    }

    it.each(['error', 'update'] as const)(
      'gets one by add, and no value is lost (onConflict: %s)',
      async (onConflict) => {
        const { report, warned } = await run({ newColumns: 'add', onConflict })
        expect(report.counts).toMatchObject({ read: 4_000, written: 4_000, inserted: 4_000, rejected: 0 })
        expect([await columns(), warned]).toEqual([['n jsonb'], []])
        expect(report.account).toMatchObject({
          figures: { 'columns added': 1 },
          notes: [expect.stringMatching(/^columns added to .*: "n"$/)],
        })
        const [found] = await database.query(
          `SELECT count(*)::int, count(n)::int AS n, (SELECT n::text FROM t WHERE id = 4000) AS last FROM t`,
        )
        expect(found).toEqual({ count: 4_000, n: 1_499, last: `{"big": ${2n ** 60n + 4_000n}, "text": "of 4000"}` })
      },
    )

    it('gets one by add of the type that the first values have; what does not fit is refused by its key', async () => {
      const { report } = await run({ newColumns: 'add' }, (row) => ({
        ...row,
        n: row.id === 3_999 ? 'none' : 7,
        x: 1.5,
      }))
      expect(await columns()).toEqual(['n bigint', 'x double precision'])
      expect(report.counts).toMatchObject({ written: 3_999, rejected: 1 })
      expect(report.rejected).toMatchObject([
        { key: [3_999], code: 'RECORD_REFUSED', message: expect.stringContaining('"none"') },
      ])
      expect(await summary('count(n)::int AS n, count(x)::int AS x')).toEqual({ n: 1_498, x: 1_498 })
    })

    it('is left out by ignore, which warns once', async () => {
      const { report, warned } = await run({ newColumns: 'ignore' })
      expect(report.counts).toMatchObject({ written: 4_000, rejected: 0 })
      expect(warned).toEqual([expect.stringMatching(/^FIELD_LEFT_OUT table .* has no column "n"/)])
      expect(report.warnings).toHaveLength(1)
      expect([await columns(), await summary('count(*)::int')]).toEqual([[], { count: 4_000 }])
    })

    it('is refused by fail with its record, key and remedy', async () => {
      const { report } = await run({}, (row) => (Number(row.id) < 3_999 ? row : { ...row, n: 1 }))
      expect(report.counts).toMatchObject({ written: 3_997, rejected: 3 })
      expect(report.rejected[0]).toMatchObject({ key: [2_501], code: 'RECORD_REFUSED' })
      expect(report.rejected[0]?.message).toMatch(/has no column "n".*newColumns: 'add'/)
      expect(await summary('count(*)::int')).toEqual({ count: 3_997 })
    })

    it('is written where somebody else has added the column meanwhile', async () => {
      await using lane = await TestLane.open(sink())
      await lane.write(numbers.slice(0, 10))
      expect((await failure(lane.write([{ id: 11, n: 1 }]))).code).toBe('RECORD_REFUSED')
      await database.query('ALTER TABLE t ADD n int')
      await lane.write([{ id: 11, n: 1 }])
      expect(await summary('count(*)::int, count(n)::int AS n')).toEqual({ count: 11, n: 1 })
    })
  })

  describe('because the table of the source got the column', () => {
    beforeEach(() =>
      database.query(`
        CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE source (id int PRIMARY KEY, a text);
        INSERT INTO source SELECT i, 'a' || i FROM generate_series(1, 3000) AS i`),
    )
    const addToSource = () =>
      database.query(`
        ALTER TABLE source ADD price numeric(10,2), ADD feels mood, ADD seen timestamptz(3) NOT NULL DEFAULT now();
        UPDATE source SET price = id + 0.5, feels = 'glad'`)
    const said: string[] = []
    const say = (message: string): void => void said.push(message)
    const pipeline = (options: Partial<PostgresSinkOptions>, records?: number) =>
      startPipeline({
        logger: { debug: say, info: say, warn: say, error: say },
        name: 'copied',
        source: postgresSource({ connection: database.url, table: `${place.name}.source` }),
        sink: sink(options),
        batchSize: 1_000,
        ...(records === undefined ? {} : { stopAfter: { records } }),
      })
    const totals = () => summary('count(*)::int, count(a)::int AS a')

    it('while the run goes on: it reads the columns that were there when it began', async () => {
      const live = pipeline({})
      live.events.on('batch:committed', ({ sequence }) => (sequence === 1 ? void addToSource() : undefined))
      expect(await live.result).toMatchObject({ status: 'completed', counts: { written: 3_000 } })
      expect(await totals()).toEqual({ count: 3_000, a: 3_000 })
    })

    it('between a stop and the resume: fail refuses before the first write, and says how to go on', async () => {
      await pipeline({}, 1_000).result
      await addToSource()
      const error = await failure(pipeline({}).result)
      expect(error).toMatchObject({ code: 'SINK_NOT_READY' })
      expect(error.message).toMatch(/has no column "price".*newColumns: 'add' adds columns/)
      expect(await totals()).toEqual({ count: 1_000, a: 1_000 })
      await database.query('ALTER TABLE t ADD price numeric(10,2), ADD feels mood, ADD seen timestamptz')
      expect(await pipeline({}).result).toMatchObject({ status: 'completed' })
      expect(await summary('count(*)::int, count(price)::int AS price')).toEqual({ count: 3_000, price: 2_000 })
    })

    it('between a stop and the resume: ignore leaves it out', async () => {
      await pipeline({ newColumns: 'ignore' }, 1_000).result
      await addToSource()
      const { warnings, counts } = await pipeline({ newColumns: 'ignore' }).result
      expect(warnings.map(({ code }) => code)).toEqual(['FIELD_LEFT_OUT', 'FIELD_LEFT_OUT', 'FIELD_LEFT_OUT'])
      expect(counts.written).toBe(3_000)
      expect([await columns(), await totals()]).toEqual([[], { count: 3_000, a: 3_000 }])
    })

    it('between a stop and the resume: add adds it with the type that it has there', async () => {
      await pipeline({ newColumns: 'add' }, 1_000).result
      await addToSource()
      const names = '"price", "feels", "seen"'
      expect(await pipeline({ newColumns: 'add' }).result).toMatchObject({
        status: 'completed',
        attempt: { retries: 0 },
        account: { figures: { 'columns added': 3 }, notes: [expect.stringContaining(names)] },
      })
      expect(said).toContainEqual(expect.stringMatching(`has got columns for the fields ${names}`))
      expect(await columns()).toEqual([
        'price numeric(10,2)',
        `feels ${place.name}.mood`.replace(`${place.name}.`, ''),
        'seen timestamp(3) with time zone',
      ])
      const difference = 'SELECT id, a, price, feels, seen FROM source WHERE id > 1000 EXCEPT SELECT * FROM t'
      expect(await database.query(difference)).toEqual([])
      expect(await summary('count(*)::int, count(feels)::int AS feels')).toEqual({ count: 3_000, feels: 2_000 })
    })
  })

  it('gets one that several partitions need at once, once', async () => {
    const pages = Array.from({ length: 4 }, (_, i) => numbers.slice(i * 1_000, i * 1_000 + 1_000))
    await Promise.all(
      pages.map((rows, i) =>
        runPipeline({
          name: `part ${i}`,
          source: from(memorySource<Row>({ records: rows, key: ['id'] })).pipe((row) =>
            Number(row.id) % 1_000 < 500 ? row : { ...row, [`of_${i}`]: true, shared: i },
          ),
          sink: sink({ newColumns: 'add' }),
          batchSize: 300,
        }),
      ),
    )
    expect((await columns()).toSorted()).toEqual([
      'of_0 boolean',
      'of_1 boolean',
      'of_2 boolean',
      'of_3 boolean',
      'shared bigint',
    ])
    expect(await summary('count(*)::int, count(shared)::int AS shared, count(of_2)::int AS of_2')).toEqual({
      count: 4_000,
      shared: 2_000,
      of_2: 500,
    })
  })

  it('gets none while somebody keeps the table locked, nor from who does not own it, nor with a name that is cut off', async () => {
    const schema = { fields: [{ name: 'x', type: { kind: 'int', bits: 32 }, nullable: true }], key: [] } as const
    const prepared = (options: Partial<PostgresSinkOptions>, name = 'x') =>
      failure(
        TestLane.open(sink({ newColumns: 'add', ...options }), {
          schema: { ...schema, fields: schema.fields.map((field) => ({ ...field, name })) },
        }),
      )
    await database.query('BEGIN; SELECT FROM t')
    expect(await prepared({ lockTimeoutMs: 50 })).toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
    await database.query('ROLLBACK')
    const role = `role_${place.name}`
    await database.query(`CREATE ROLE ${role}; GRANT ALL ON SCHEMA ${place.name} TO ${role}; GRANT ALL ON t TO ${role}`)
    const connection = { connectionString: database.url, options: `-c role=${role}` }
    const denied = await prepared({ connection })
    expect(denied).toMatchObject({ code: 'STORE_DENIED', message: expect.stringContaining('only its owner may') })
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    expect(await prepared({}, 'n'.repeat(64))).toMatchObject({ code: 'SINK_NOT_READY' })
    expect(await columns()).toEqual([])
  })
})
