import { memoryAckSink, memorySource, type Row, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failure, TestLane } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { type PostgresUpdateSinkOptions, postgresUpdateSink } from './postgres-update-sink.js'

describePostgres('postgresUpdateSink', () => {
  const database = useDatabase()
  let place: TestSchema

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await exec(`
      CREATE TABLE @t (id int PRIMARY KEY, name text NOT NULL UNIQUE, n int CHECK (n < 1000), note text DEFAULT 'none');
      INSERT INTO @t (id, name, n) SELECT i, 'name ' || i, 0 FROM generate_series(1, 300) AS i`)
  })

  afterEach(() => place[Symbol.asyncDispose]())

  const exec = (sql: string) => database.query(sql.replaceAll('@', `${place.name}.`))
  const rows = async (sql: string): Promise<unknown[][]> => (await exec(sql)).map((row) => Object.values(row))
  const sink = ({ table = 't', ...options }: Partial<PostgresUpdateSinkOptions> = {}) =>
    postgresUpdateSink({
      connection: database.url,
      stateSchema: place.name,
      table: `${place.name}.${table}`,
      sets: ['n'],
      ...options,
    })
  const lane = (options: Partial<PostgresUpdateSinkOptions> = {}) => TestLane.open(sink(options))

  const setting = (n: number, from = 1, to = 300): Row[] =>
    Array.from({ length: to - from + 1 }, (_, i) => ({ id: from + i, n }))

  it('updates the rows that are there, counts those that are gone as skipped, and inserts none', async () => {
    await exec('DELETE FROM @t WHERE id % 3 = 0')
    await using one = await lane()
    await one.probe(setting(5))
    expect(await rows('SELECT sum(n)::int FROM @t')).toEqual([[0]])
    expect(await one.write([...setting(5), { id: 5000, n: 1 }], 70)).toEqual({
      inserted: 0,
      updated: 200,
      skipped: 101,
    })
    expect(await rows('SELECT count(*)::int, sum(n)::int FROM @t')).toEqual([[200, 1000]])
  })

  it.each([
    ['a filter', { n: { eq: 0 } }],
    ['SQL', 'n = 0'],
    ['SQL with its own table', 't.n = 0 AND t.name IS NOT NULL'],
    ['SQL with a comment', 'n = 0 -- only what nobody counted?'],
  ] as const)('leaves rows for which the predicate does not hold any more: %s', async (_, where) => {
    await using one = await lane({ where })
    await exec('UPDATE @t SET n = 7 WHERE id <= 100')
    expect(await one.write(setting(5))).toEqual({ inserted: 0, updated: 200, skipped: 100 })
    expect(await one.write(setting(6))).toEqual({ inserted: 0, updated: 0, skipped: 300 })
    expect(await rows('SELECT n, count(*)::int FROM @t GROUP BY n ORDER BY n')).toEqual([
      [5, 200],
      [7, 100],
    ])
  })

  it('compares what a filter asks that SQL could not repeat with what the records bring', async () => {
    await using one = await lane({ where: { name: { ne: '2020-01-01' } } })
    await exec(`UPDATE @t SET name = 'other' WHERE id = 2`)
    const records = [
      { id: 1, name: 'name 1', n: 1 },
      { id: 2, name: 'name 2', n: 1 },
      { id: 3, n: 1 },
    ]
    expect(await one.write(records)).toEqual({ inserted: 0, updated: 1, skipped: 2 })
    expect(await rows('SELECT id, name FROM @t WHERE n = 1')).toEqual([[1, 'name 1']])
  })

  it('writes the last of two records for one row, whatever lies between', async () => {
    await using one = await lane({ sets: ['n', 'note'] })
    const records = [
      { id: 1, n: 1 },
      { id: 2, n: 2 },
      { id: 1, n: 3 },
      { id: 1, note: 'x' },
      { id: 1, n: 4 },
    ]
    expect(await one.write(records)).toEqual({ inserted: 0, updated: 5, skipped: 0 })
    expect(await rows('SELECT n, note FROM @t WHERE id = 1')).toEqual([[4, 'x']])
  })

  it('leaves a column alone whose field is missing or undefined, and sets null where it is null', async () => {
    await using one = await lane({ sets: ['n', 'note'] })
    const records = [
      { id: 1, n: 1, note: undefined },
      { id: 2, n: undefined, note: 'b' },
      { id: 3 },
      { id: 4, n: undefined, note: undefined },
      { id: 5, n: null, note: null },
    ]
    expect(await one.write(records)).toEqual({ inserted: 0, updated: 3, skipped: 2 })
    expect(await rows('SELECT n, note FROM @t WHERE id < 6 ORDER BY id')).toEqual([
      [1, 'none'],
      [0, 'b'],
      [0, 'none'],
      [0, 'none'],
      [null, null],
    ])
  })

  it('refuses a record without a key by its place, rather than to skip it', async () => {
    await using one = await lane()
    for (const bad of [{ n: 1 }, { id: null, n: 1 }, { id: undefined, n: 1 }]) {
      const error = await failure(one.write([{ id: 1, n: 1 }, bad, { id: 3, n: 1 }]))
      expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 1 })
      expect(error.message).toContain('"id"')
    }
    expect(await rows('SELECT sum(n)::int FROM @t')).toEqual([[0]])
  })

  it.each([
    ['a check', { id: 150, n: 1000 }, 'violates check constraint'],
    ['a unique column', { id: 150, name: 'name 1' }, 'duplicate key value'],
    ['a null where none may be', { id: 150, name: null }, 'violates not-null constraint'],
    ['an integer that is too large', { id: 150, n: 2n ** 63n }, 'integer'],
    ['half a surrogate pair', { id: 150, name: '\ud800' }, 'surrogate'],
    ['a function', { id: 150, name: () => 1 }, 'a function'],
    ['a field that is not among the sets', { id: 150, note: 'x' }, 'no column "note"'],
    ['a field that no column has', { id: 150, nmae: 'x' }, 'did you mean "name"'],
  ])('refuses %s, leaves nothing of the batch, and finds the record at fault', async (_, bad, said) => {
    const options = { sets: ['n', 'name'] }
    const records = setting(5).map((row) => (row.id === 150 ? bad : row)) as { id: number }[]
    {
      await using one = await lane(options)
      for (const attempt of [() => one.write(records, 100), () => one.probe(records)]) {
        const error = await failure(attempt)
        expect(error.code).toBe('RECORD_REFUSED')
        expect([undefined, 149]).toContain(error.row)
        expect(error.message).toContain(said)
      }
    }
    expect(await rows('SELECT sum(n)::int FROM @t')).toEqual([[0]])
    const letters = memoryAckSink()
    const report = await runPipeline({
      name: 'r',
      source: memorySource({ records, key: 'id' }),
      sink: sink(options),
      batchSize: 100,
      maxRejected: 1,
      deadLetters: letters,
    })
    expect(report.counts).toMatchObject({ read: 300, updated: 299, rejected: 1 })
    expect(letters.store.rows.map(({ key }) => key)).toEqual([[150]])
  })

  it('counts a row that a trigger left alone as skipped', async () => {
    await exec(`
      CREATE FUNCTION @no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN NEW.id = 150 THEN NULL ELSE NEW END; END $$;
      CREATE TRIGGER no BEFORE UPDATE ON @t FOR EACH ROW EXECUTE FUNCTION @no()`)
    await using one = await lane()
    expect(await one.write(setting(5))).toEqual({ inserted: 0, updated: 299, skipped: 1 })
  })

  it('updates the rows of all partitions of a table, also where a row moves from one to another', async () => {
    await exec(`
      CREATE TABLE @p (id int, part int, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
      ALTER TABLE @p ADD COLUMN n int;
      CREATE TABLE @p1 PARTITION OF @p FOR VALUES IN (1);
      CREATE TABLE @p2 PARTITION OF @p FOR VALUES IN (2);
      INSERT INTO @p SELECT i, 1 + i % 2, 0 FROM generate_series(1, 100) AS i`)
    await using one = await lane({ table: 'p' })
    const records = Array.from({ length: 100 }, (_, i) => ({ id: i + 1, part: 1 + ((i + 1) % 2), n: 3 }))
    expect(await one.write(records)).toEqual({ inserted: 0, updated: 100, skipped: 0 })
  })

  it('finds rows by names that need quoting', async () => {
    await exec(
      `CREATE TABLE @"a ""b"" ? $1" ("select" text PRIMARY KEY, "x'y?" int); INSERT INTO @"a ""b"" ? $1" VALUES ('k', 0)`,
    )
    await using one = await lane({ table: 'a "b" ? $1', sets: [`x'y?`], where: { "x'y?": { eq: 0 } } })
    expect(await one.write([{ select: 'k', "x'y?": 7 }])).toMatchObject({ updated: 1 })
  })

  describe('a process that was overtaken', () => {
    it('commits nothing any more', async () => {
      await using zombie = await lane()
      await zombie.write(setting(1, 1, 100))
      await using heir = await TestLane.open(sink(), { fence: 2 })
      expect(await failure(zombie.write(setting(2, 101, 200)))).toMatchObject({ code: 'FENCED' })
      expect(await heir.write(setting(3, 101, 200))).toMatchObject({ updated: 100 })
      expect(await rows('SELECT n, count(*)::int FROM @t GROUP BY n ORDER BY n')).toEqual([
        [0, 100],
        [1, 100],
        [3, 100],
      ])
    })
  })
})
