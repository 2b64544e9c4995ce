import { from, memoryAckSink, type Row, runPipeline, transformer } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postgresSource } from '../source/postgres-source.js'
import { failure } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { CopyPage } from '../wire/copy-page.js'
import { type PostgresSinkOptions, postgresSink } from './postgres-sink.js'

describePostgres('from Postgres to Postgres', () => {
  const database = useDatabase()
  let place: TestSchema
  let decoded = 0
  const { rows } = CopyPage.prototype

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await database.query(`
      SET search_path = ${place.name};
      CREATE TYPE mood AS ENUM ('sad', 'ok');
      CREATE TABLE original (id bigint PRIMARY KEY, a text, j jsonb, at timestamptz, n numeric(10,2), m mood, l int[], b bytea, f float8);
      INSERT INTO original SELECT i, 'text ' || i, jsonb_build_object('i', i), now() + i * interval '1 microsecond', i / 7.0,
        CASE i % 2 WHEN 0 THEN 'sad' ELSE 'ok' END::mood, ARRAY[i, NULL], decode(lpad(to_hex(i), 8, '0'), 'hex'), i / 3.0
      FROM generate_series(1, 3000) AS i;
      UPDATE original SET a = NULL, j = NULL, at = 'infinity', n = 'NaN', m = NULL, l = '{}', f = '-0' WHERE id = 7`)
    decoded = 0
    CopyPage.prototype.rows = function (this: CopyPage): readonly Row[] {
      decoded++
      return rows.call(this)
    }
  })
  afterEach(async () => {
    CopyPage.prototype.rows = rows
    await place[Symbol.asyncDispose]()
  })

  const source = () => postgresSource({ connection: database.url, table: `${place.name}.original` })
  const sink = (options: Partial<PostgresSinkOptions> = {}) =>
    postgresSink({ connection: database.url, table: `${place.name}.copy`, stateSchema: place.name, ...options })
  const differing = async (): Promise<unknown> =>
    (
      await database.query(
        `SELECT count(*)::int FROM (SELECT o::text FROM original o EXCEPT SELECT c::text FROM copy c) AS d`,
      )
    )[0]?.count

  const inexact = '{"n": 12345678901234567890.123456789}'
  const withInexact = () => database.query(`UPDATE original SET j = '${inexact}' WHERE id IN (5, 2500)`)

  it('numbers in JSON that JavaScript has not pass too, because nobody decodes them', async () => {
    await withInexact()
    const report = await runPipeline({ name: 'a', source: source(), sink: sink(), batchSize: 1_000 })
    expect(report.counts).toMatchObject({ read: 3_000, inserted: 3_000, rejected: 0 })
    expect(await differing()).toBe(0)
    const stepped = from(source()).pipe((row) => row)
    const other = runPipeline({
      name: 'b',
      source: stepped,
      sink: sink({ table: `${place.name}.other` }),
      maxRejected: 2,
    })
    expect((await other).counts).toMatchObject({ inserted: 2_998, rejected: 2 })
  })

  it('a record that the server refuses has the texts of such numbers in its dead letter', async () => {
    await withInexact()
    await database.query(`CREATE TABLE copy (LIKE original INCLUDING ALL, CHECK (id <> 2500))`)
    const letters = memoryAckSink()
    const report = await runPipeline({
      name: 'a',
      source: source(),
      sink: sink(),
      maxRejected: 1,
      deadLetters: letters,
    })
    expect(report.counts).toMatchObject({ inserted: 2_999, rejected: 1 })
    expect(letters.store.rows).toMatchObject([{ record: { id: 2_500, j: inexact } }])
  })

  it.each(['error', 'update', 'skip'] as const)(
    'rows pass undecoded into a table that is created, with onConflict %s',
    async (onConflict) => {
      const report = await runPipeline({ name: 'a', source: source(), sink: sink({ onConflict }), batchSize: 1_000 })
      expect(report.counts).toMatchObject({ read: 3_000, inserted: 3_000 })
      expect(await differing()).toBe(0)
      // The first page, which says what the records look like.
      expect(decoded).toBeLessThanOrEqual(1)
      if (onConflict === 'error') return
      const again = await runPipeline({ name: 'b', source: source(), sink: sink({ onConflict }) })
      expect(again.counts).toMatchObject(onConflict === 'update' ? { updated: 3_000 } : { skipped: 3_000 })
    },
  )

  it("json that is read as text is json in a table that is created, and rows pass undecoded (json: 'text')", async () => {
    await database.query(`
      ALTER TABLE original ADD k json DEFAULT '{"a" : 1.0}', ADD ks jsonb[] DEFAULT ARRAY['{"b":1}', 'null']::jsonb[], ADD t text DEFAULT '[1]'`)
    const source = postgresSource({ connection: database.url, table: `${place.name}.original`, json: 'text' })
    const report = await runPipeline({ name: 'a', source, sink: sink(), batchSize: 1_000 })
    expect(report.counts).toMatchObject({ inserted: 3_000 })
    expect(await differing()).toBe(0)
    const types = await database.query(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
       WHERE attrelid = 'copy'::regclass AND attname IN ('j', 'k', 'ks', 't') ORDER BY 1`,
    )
    expect(types.map(({ name, type }) => `${name} ${type}`)).toEqual(['j jsonb', 'k json', 'ks jsonb[]', 't text'])
    expect(decoded).toBeLessThanOrEqual(1)
    // Steps that see the texts write them back as JSON.
    const flow = from(source).pipe((row: Row) => ({ ...row, id: Number(row.id) + 3_000 }))
    await runPipeline({ name: 'b', source: flow, sink: sink() })
    expect(
      (await database.query(`SELECT count(*)::int, count(DISTINCT k::text)::int AS k FROM copy WHERE id > 3000`))[0],
    ).toEqual({ count: 3_000, k: 1 })
  })

  it.each(['error', 'update'] as const)(
    'a step that says what it reads and sets leaves the other columns undecoded, with onConflict %s',
    async (onConflict) => {
      await database.query('CREATE TABLE copy (LIKE original INCLUDING ALL)')
      const shout = transformer({
        name: 'shout',
        reads: ['a'],
        writes: ['a'],
        transform: (row: Row) => ({ ...row, a: row.a === null ? 'NOTHING' : String(row.a).toUpperCase() }),
      })
      const flow = from(source()).pipe(shout)
      const report = await runPipeline({ name: 'a', source: flow, sink: sink({ onConflict }), batchSize: 100 })
      expect(report.counts).toMatchObject({ read: 3_000, inserted: 3_000 })
      // Of 30 pages: those that come before the table is there, and one to see that the step does what it says.
      expect(decoded).toBeLessThanOrEqual(8)
      await database.query(`UPDATE original SET a = coalesce(upper(a), 'NOTHING')`)
      expect(await differing()).toBe(0)
    },
  )

  it('rows pass undecoded into columns of another order, beside others', async () => {
    await database.query(`
      CREATE TABLE copy (x int DEFAULT 5, f float8, b bytea, l int[], m mood, n numeric(10,2), at timestamptz, j jsonb, a text, id bigint PRIMARY KEY)`)
    await runPipeline({ name: 'a', source: source(), sink: sink() })
    expect(decoded).toBeLessThanOrEqual(1)
    expect(
      await database.query('SELECT count(*)::int, sum(x)::int AS x FROM copy NATURAL JOIN original'),
    ).toMatchObject([{ x: 15_000 - 5 }])
  })

  describe('rows are decoded', () => {
    it.each([
      [
        'a column has another type',
        'id int PRIMARY KEY, a varchar, j json, at timestamptz, n numeric, m text, l bigint[], b bytea, f float8',
      ],
      [
        'a column computes itself',
        'id bigint PRIMARY KEY, a text, j jsonb, at timestamptz, n numeric(10,2), m mood, l int[], b bytea, f float8 GENERATED ALWAYS AS (id / 3.0) STORED',
      ],
      [
        'a column has no binary form',
        'id bigint PRIMARY KEY, a text, j jsonb, at timestamptz, n numeric(10,2), m mood, l int[], b bytea, f float8, r int4range',
      ],
    ])('where %s, with the same result', async (_, columns) => {
      await database.query(`CREATE TABLE copy (${columns})`)
      const values = columns.includes('r int4range')
      const given = values ? from(source()).pipe((row: Row) => ({ ...row, r: '[1,2)' })) : source()
      const report = await runPipeline({ name: 'a', source: given, sink: sink() })
      expect(report.counts.inserted).toBe(3_000)
      expect(decoded).toBeGreaterThan(1)
      expect(
        await database.query(
          `SELECT count(*)::int FROM copy c JOIN original o ON c.id = o.id AND c.a IS NOT DISTINCT FROM o.a AND c.j::jsonb IS NOT DISTINCT FROM o.j AND c.at = o.at`,
        ),
      ).toEqual([{ count: 3_000 }])
    })
  })

  it('a row that is refused is named and left out, and its batch passes without it', async () => {
    await database.query('CREATE TABLE copy (LIKE original INCLUDING ALL, CHECK (id <> 1234))')
    const deadLetters = memoryAckSink<Row>()
    const refused = await failure(runPipeline({ name: 'a', source: source(), sink: sink(), deadLetters }))
    expect(refused.code).toBe('RECORD_REJECTED')
    const report = await runPipeline({ name: 'a', source: source(), sink: sink(), deadLetters, maxRejected: 1 })
    expect(report.counts).toMatchObject({ read: 3_000, rejected: 1, inserted: 2_999 })
    expect(report.rejected).toMatchObject([{ key: [1234], code: 'RECORD_REFUSED' }])
  })
})
