import { from, memoryAckSink, memorySource, type RecordSchema, type Row, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failure, TestLane } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { type PostgresSinkOptions, postgresSink } from './postgres-sink.js'

describePostgres('constraints of the table', () => {
  const database = useDatabase()
  let place: TestSchema
  beforeEach(async () => {
    place = await TestSchema.create(database)
    await database.query(`SET search_path = ${place.name}`)
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const sink = (options: Partial<PostgresSinkOptions> = {}) =>
    postgresSink({ connection: database.url, table: `${place.name}.t`, stateSchema: place.name, ...options })
  const lane = (options: Partial<PostgresSinkOptions> = {}, run = 'run') => TestLane.open(sink(options), { run })
  const count = async (): Promise<number> => Number((await database.query('SELECT count(*) FROM t'))[0]?.count)

  describe('a row that breaks one', () => {
    const rows: Row[] = Array.from({ length: 2_500 }, (_, i) => ({ id: i + 1, mail: `m${i + 1}`, n: 1, parent: null }))
    beforeEach(() =>
      database.query(`
        CREATE TABLE parents (id int PRIMARY KEY);
        INSERT INTO parents VALUES (1);
        CREATE TABLE t (id int PRIMARY KEY, mail varchar(10) UNIQUE, n int NOT NULL CHECK (n < 1000), parent int REFERENCES parents);
        INSERT INTO t VALUES (10000, 'there', 1, 1)`),
    )

    it.each([
      ['its key', { id: 10_000, mail: 'new', n: 1, parent: 1 }, 'Key (id)=(10000) already exists'],
      [
        'a unique index that is not the key',
        { id: 20_000, mail: 'there', n: 1, parent: 1 },
        'Key (mail)=(there) already exists',
      ],
      ['a null', { id: 20_000, mail: 'new', n: null, parent: 1 }, 'null value in column "n"'],
      ['a check', { id: 20_000, mail: 'new', n: 1000, parent: 1 }, 'violates check constraint'],
      ['a column that is too narrow', { id: 20_000, mail: 'longer than ten', n: 1, parent: 1 }, 'value too long'],
      ['an integer out of range', { id: 2 ** 31, mail: 'new', n: 1, parent: 1 }, 'A integer is from'],
    ])('is named for %s, and nothing of its batch is there', async (_, row, said) => {
      await using one = await lane()
      const error = await failure(one.write([...rows.slice(0, 1_500), row, ...rows.slice(1_500)], 500))
      expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 1_500, isRetryable: false })
      expect(error.message).toContain(said)
      expect(await count()).toBe(1)
      expect(await one.write(rows)).toEqual({ inserted: 2_500, updated: 0, skipped: 0 })
    })

    it('of foreign keys is refused without a name, and named by a probe', async () => {
      await using one = await lane()
      const broken = { id: 20_000, mail: 'new', n: 1, parent: 77 }
      const all = [...rows.slice(0, 2_000), broken, ...rows.slice(2_000)]
      for (const [work, row] of [[() => one.write(all), undefined] as const, [() => one.probe(all), 2_000] as const]) {
        const error = await failure(work)
        expect(error).toMatchObject({ code: 'RECORD_REFUSED', isRetryable: false })
        expect(error.message).toContain('Key (parent)=(77) is not present in table "parents"')
        expect(error.row).toBe(row)
      }
      await one.probe(rows)
      expect(await count()).toBe(1)
    })

    it('of foreign keys is left out with its key, and all others are there; of several columns, too', async () => {
      await database.query(`
        CREATE TABLE pairs (a int, b text, PRIMARY KEY (a, b)); INSERT INTO pairs VALUES (1, 'x, y');
        ALTER TABLE t ADD a int, ADD b text, ADD FOREIGN KEY (a, b) REFERENCES pairs`)
      const missing = new Set([17, 1_200, 2_499])
      const records = rows.map((row) => {
        const isMissing = missing.has(Number(row.id))
        return Number(row.id) === 17 ? { ...row, parent: 77 } : { ...row, a: isMissing ? 2 : 1, b: 'x, y' }
      })
      const letters = memoryAckSink()
      const report = await runPipeline({
        name: 'referring',
        source: memorySource<Row>({ records, key: 'id' }),
        sink: sink(),
        batchSize: 2_500,
        maxRejected: 3,
        deadLetters: letters,
      })
      expect(report.counts).toMatchObject({ read: 2_500, written: 2_497, rejected: 3 })
      const keys = letters.store.rows.map((letter) => Number((letter as { key: number[] }).key[0]))
      expect(keys.toSorted((a, b) => a - b)).toEqual([17, 1_200, 2_499])
      expect(await count()).toBe(2_498)
    })

    it('other than the key is refused by policies that look at the key', async () => {
      for (const onConflict of ['update', 'skip', { merge: ['n'] }] as const) {
        await using one = await lane({ onConflict }, JSON.stringify(onConflict))
        for (const row of [
          { id: 20_000, mail: 'there', n: 1, parent: 1 },
          { id: 20_000, mail: 'new', n: 1000, parent: 1 },
          { id: 20_000, mail: 'new', n: null, parent: 1 },
          { id: 20_000, mail: 'new', n: 1, parent: 77 },
        ]) {
          expect(await failure(one.write([row]))).toMatchObject({ code: 'RECORD_REFUSED' })
        }
        expect(await failure(one.write([...rows, { id: 1, mail: 'longer than ten', n: 1, parent: 1 }]))).toMatchObject({
          code: 'RECORD_REFUSED',
          row: 2_500,
        })
      }
      expect(await count()).toBe(1)
    })
  })

  it('that are deferred are checked by a probe, and by the commit', async () => {
    await database.query(`
      CREATE TABLE t (id int PRIMARY KEY, next int REFERENCES t DEFERRABLE INITIALLY DEFERRED, n int UNIQUE DEFERRABLE INITIALLY DEFERRED)`)
    await using one = await lane()
    const ring = [
      { id: 1, next: 2, n: 1 },
      { id: 2, next: 1, n: 2 },
    ]
    await one.probe(ring)
    expect(await failure(one.probe(ring.slice(0, 1)))).toMatchObject({ code: 'RECORD_REFUSED' })
    expect(await failure(one.write(ring.slice(0, 1)))).toMatchObject({ code: 'RECORD_REFUSED' })
    expect(await failure(one.write([...ring, { id: 3, next: 1, n: 1 }]))).toMatchObject({ code: 'RECORD_REFUSED' })
    expect(await count()).toBe(0)
    expect(await one.write(ring)).toEqual({ inserted: 2, updated: 0, skipped: 0 })
    expect(
      await failure(lane({ onConflict: 'update', key: 'n' }, 'other').then((other) => other.write(ring))),
    ).toMatchObject({
      code: 'SINK_NOT_READY',
    })
  })

  describe('that make a table unfit are said before the first write', () => {
    const field = (name: string, nullable = true) => ({ name, type: { kind: 'int', bits: 32 }, nullable }) as const
    const prepared = async (fields: readonly string[], options: Partial<PostgresSinkOptions> = {}) =>
      failure(TestLane.open(sink(options), { schema: { fields: fields.map((name) => field(name)), key: [] } }))

    beforeEach(() =>
      database.query(`
        CREATE TABLE t (id int PRIMARY KEY, a int, b int NOT NULL, c int UNIQUE DEFERRABLE, d int, e int GENERATED ALWAYS AS IDENTITY,
          f int GENERATED ALWAYS AS (a + 1) STORED);
        CREATE UNIQUE INDEX ON t (a) WHERE a > 0; CREATE UNIQUE INDEX ON t (abs(d)); CREATE UNIQUE INDEX ON t (a, d);
        CREATE VIEW v AS SELECT id FROM t`),
    )

    it.each<[string, readonly string[], Partial<PostgresSinkOptions>]>([
      ['has no column "x"', ['id', 'b', 'x'], {}],
      ['its column "b" must not be null', ['id'], {}],
      ['set it in a step, or give the column a default', ['id'], {}],
      ['"t" ("d")', ['id', 'b', 'd'], { onConflict: 'update', key: 'd' }],
      ['no primary key or unique index is over exactly ("d")', ['id', 'b', 'd'], { onConflict: 'update', key: 'd' }],
      ['no primary key or unique index is over exactly ("a")', ['id', 'b', 'a'], { onConflict: 'skip', key: ['a'] }],
      ['is deferrable', ['id', 'b', 'c'], { onConflict: 'update', key: 'c' }],
      ['has no column "X"', ['id', 'b'], { onConflict: { merge: ['X'] } }],
      ['which computes itself', ['id', 'b'], { onConflict: { merge: ['f'] } }],
      [
        'the records have no field "a", which belongs to the key',
        ['id', 'b', 'd'],
        { onConflict: 'update', key: ['d', 'a'] },
      ],
      ['"e" is GENERATED ALWAYS AS IDENTITY', ['id', 'b', 'e'], { onConflict: 'update' }],
    ])('%s', async (said, fields, options) => {
      const error = await prepared(fields, options)
      expect(error.code).toBe('SINK_NOT_READY')
      expect(error.message).toContain(said)
    })

    it('it is not there and the records have no key, for which no table is made: giving the key is enough', async () => {
      const table = `${place.name}.fresh`
      const error = await prepared(['id'], { table, onConflict: 'update' })
      expect(error).toMatchObject({ code: 'SINK_NOT_READY', message: expect.stringContaining('give key') })
      const schema: RecordSchema = { fields: [field('id'), field('a')], key: [] }
      await using lane = await TestLane.open(sink({ table, onConflict: 'update', key: 'id' }), { schema })
      expect(await lane.write([{ id: 1, a: 1 }])).toEqual({ inserted: 1, updated: 0, skipped: 0 })
    })

    it('it is a view, or not there', async () => {
      expect((await prepared(['id'], { table: `${place.name}.v` })).message).toContain('it is a view')
      const missing = await prepared(['id'], { table: `${place.name}.tt`, createTable: false })
      expect(missing).toMatchObject({
        code: 'SINK_NOT_READY',
        message: expect.stringContaining('createTable is false'),
      })
    })
  })

  it.each<[string, (row: Row) => Row | Row[], string[]]>([
    ['leaves the key as it is', (row) => ({ ...row, more: 1 }), ['id']],
    ['makes two rows of one', (row) => (row.id === 3 ? [row, row] : row), []],
  ])('of a table that is made behind a plain function which %s', async (_, step, key) => {
    const records = Array.from({ length: 5 }, (__, i): Row => ({ id: i + 1, a: `a${i}` }))
    const source = from(memorySource<Row>({ records, key: 'id' })).pipe(step)
    await runPipeline({ name: 'made', source, sink: sink() })
    const found = await database.query(
      `SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) WHERE indrelid = 't'::regclass AND indisprimary`,
    )
    expect(found.map(({ attname }) => attname)).toEqual(key)
    expect(await count()).toBe(key.length === 0 ? 6 : 5)
  })

  it('need not be there: a table without a key takes what does not ask for one, and says so where one is asked for', async () => {
    await database.query('CREATE TABLE t (id int, a text)')
    const schema: RecordSchema = {
      fields: [{ name: 'id', type: { kind: 'int', bits: 32 }, nullable: true }],
      key: [],
    }
    await using one = await TestLane.open(sink(), { schema })
    expect(await one.write([{ id: 1 }, { id: 1 }, { id: null }])).toEqual({ inserted: 3, updated: 0, skipped: 0 })
    for (const onConflict of ['update', 'skip'] as const) {
      const error = await failure(TestLane.open(sink({ onConflict }), { schema }))
      expect(error).toMatchObject({ code: 'SINK_NOT_READY', isRetryable: false })
      expect(error.message).toContain('it has no primary key that says which rows are the same; give key')
      const keyed = await failure(TestLane.open(sink({ onConflict, key: 'id' }), { schema }))
      expect(keyed.message).toContain('no primary key or unique index is over exactly ("id")')
    }
    expect(await count()).toBe(3)
  })

  it('with a table that nobody would name so are of that table', async () => {
    const table = 'x; drop table y'
    await using one = await TestLane.open(postgresSink({ connection: database.url, table, stateSchema: place.name }), {
      schema: { fields: [{ name: 'a"b', type: { kind: 'text' }, nullable: false }], key: ['a"b'] },
    })
    expect(await one.write([{ 'a"b': "it's" }])).toEqual({ inserted: 1, updated: 0, skipped: 0 })
    expect(await failure(one.write([{ 'a"b': "it's" }]))).toMatchObject({ code: 'RECORD_REFUSED', row: 0 })
    expect(await database.query(`SELECT * FROM public."${table}"`)).toEqual([{ 'a"b': "it's" }])
    await database.query(`DROP TABLE public."${table}"`)
  })
})
