import { from, memoryAckSink, memorySource, type Row, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { TestSchema } from '../testing/test-schema.js'
import { type PostgresSinkOptions, postgresSink } from './postgres-sink.js'

describePostgres('rows of a batch that a table refuses', () => {
  const database = useDatabase()
  let place: TestSchema
  let client: pg.Client

  beforeEach(async () => {
    place = await TestSchema.create(database)
    client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(`SET search_path = ${place.name}`)
  })
  afterEach(async () => {
    await client.end()
    await place[Symbol.asyncDispose]()
  })

  const run = async (records: readonly Row[], options: Partial<PostgresSinkOptions> = {}) => {
    const letters = memoryAckSink()
    const report = await runPipeline({
      name: 'refused',
      source: from(memorySource<Row>({ records: records.map((row, n) => ({ ...row, at: n })), key: 'at' })).pipe(
        ({ at, ...row }: Row) => row,
      ),
      sink: postgresSink({
        connection: database.url,
        table: `${place.name}.t`,
        stateSchema: place.name,
        onConflict: 'update',
        ...options,
      }),
      batchSize: 20_000,
      maxRejected: records.length,
      deadLetters: letters,
    })
    const places = letters.store.rows.map((letter) => Number((letter as { key: number[] }).key[0]))
    return { counts: report.counts, rejected: report.rejected, places: places.toSorted((a, b) => a - b) }
  }
  const ask = async (sql: string): Promise<Row[]> => (await client.query(sql)).rows
  /** Tells how often the server tried a row, whatever was rolled back. */
  const counted = () =>
    client.query(`CREATE SEQUENCE tries;
      CREATE FUNCTION try() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('${place.name}.tries'); RETURN new; END $$;
      CREATE TRIGGER try BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION try()`)
  const tries = async (): Promise<number> => Number((await ask('SELECT last_value FROM tries'))[0]?.last_value)

  it.each(['update', 'skip', 'error'] as const)('are found at once, however many they are (%s)', async (onConflict) => {
    await client.query(`CREATE TABLE t (id int PRIMARY KEY, mail text UNIQUE, n int CHECK (n > 0));
      INSERT INTO t VALUES (0, 'of nobody', 1)`)
    await counted()
    const most = 10_000
    const records = Array.from({ length: most }, (_, i): Row => ({ id: i + 1, mail: `m${i + 1}`, n: 1 }))
    const expected: number[] = []
    for (let i = 0; i < 50; i++) {
      const at = 100 + i * 190
      expected.push(at)
      records[at] = i % 5 === 0 ? { id: at + 1, mail: `m${at + 1}`, n: 0 } : { id: at + 1, mail: `m${at}`, n: 1 }
    }
    const { counts, rejected, places } = await run(records, { onConflict })
    expect(counts).toMatchObject({ read: most, written: most - 50, inserted: most - 50, rejected: 50 })
    expect(places).toEqual(expected)
    const said = rejected.map(({ message }) => message).join('\n')
    expect(said).toContain('Key (mail)=(m290) already exists')
    expect(said).toContain('violates check constraint "t_n_check"')
    expect(await tries()).toBeLessThan(most * 5)
  })

  it('are those that it would refuse if they came one by one', async () => {
    await client.query(`
      CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents SELECT generate_series(1, 8);
      CREATE TABLE t (id int PRIMARY KEY, a int, b int NOT NULL, c text, parent int REFERENCES parents, "drover row" text DEFAULT 'x',
        CHECK (a <> 7 OR b <> 3), EXCLUDE USING btree ((a + 1000) WITH =) WHERE (b = 9));
      CREATE UNIQUE INDEX ON t (a, b) WHERE c IS NOT NULL;
      CREATE UNIQUE INDEX ON t (lower(c));
      CREATE UNIQUE INDEX ON t (b, c) NULLS NOT DISTINCT WHERE a < 3;
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF new.id % 41 = 0 THEN RAISE 'not on a %', new.id; END IF; RETURN new; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse();
      INSERT INTO t VALUES (1, 1, 1, 'there', 1), (500, 2, 2, 'There too', 2)`)
    let seed = 7
    const below = (limit: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * limit)
    }
    const texts = [
      'there too',
      'THERE',
      ...Array.from({ length: 300 }, (_, i) => `${i % 2 === 0 ? 'C' : 'c'}${i >> 1}`),
    ]
    const records = Array.from({ length: 600 }, (): Row => {
      const b = below(40)
      return {
        id: below(550),
        a: below(40),
        b: b === 0 ? null : b,
        c: below(3) === 0 ? null : (texts[below(texts.length)] ?? null),
        parent: below(30) === 0 ? 9 : 1 + below(8),
      }
    })
    const expected: number[] = []
    await client.query('BEGIN')
    for (const [i, { id, a, b, c, parent }] of records.entries()) {
      await client.query('SAVEPOINT one')
      try {
        await client.query(
          `INSERT INTO t (id, a, b, c, parent) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE
           SET a = excluded.a, b = excluded.b, c = excluded.c, parent = excluded.parent`,
          [id, a, b, c, parent],
        )
      } catch {
        expected.push(i)
        await client.query('ROLLBACK TO SAVEPOINT one')
      }
    }
    const left = await ask('SELECT * FROM t ORDER BY id')
    await client.query('ROLLBACK')
    expect(expected.length).toBeGreaterThan(50)
    const { places, counts } = await run(records)
    expect(places).toEqual(expected)
    expect(counts).toMatchObject({ read: 600, written: 600 - expected.length })
    expect(await ask('SELECT * FROM t ORDER BY id')).toEqual(left)
  })

  it('are no rows that refer to others of the batch which come behind them', async () => {
    await client.query(`CREATE TABLE t (id int PRIMARY KEY, next int REFERENCES t, n int CHECK (n > 0));
      INSERT INTO t VALUES (1, NULL, 1)`)
    const records = Array.from({ length: 200 }, (_, i): Row => ({ id: i + 2, next: i === 199 ? 1 : i + 3, n: 1 }))
    // Nobody refers to these.
    records.splice(150, 0, { id: 1_000, next: 1, n: 0 })
    records.splice(20, 0, { id: 1_001, next: 2, n: -1 })
    expect(await run(records)).toMatchObject({ counts: { written: 200, rejected: 2 }, places: [20, 151] })
  })

  it('are found by a search where the server has no language to say them in', async () => {
    await client.query(`CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n > 0)); INSERT INTO t VALUES (0, 1)`)
    const user = `user_${place.name}`
    await client.query(`CREATE ROLE ${user} LOGIN PASSWORD 'x'; GRANT ALL ON SCHEMA ${place.name} TO ${user};
      GRANT ALL ON ALL TABLES IN SCHEMA ${place.name} TO ${user}; REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC`)
    const url = new URL(database.url)
    url.username = user
    url.password = 'x'
    try {
      const records = Array.from({ length: 300 }, (_, i): Row => ({ id: i + 1, n: i === 7 || i === 200 ? 0 : 1 }))
      expect(await run(records, { connection: url.href })).toMatchObject({ places: [7, 200], counts: { written: 298 } })
    } finally {
      await client.query(`GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC; DROP OWNED BY ${user} CASCADE; DROP ROLE ${user}`)
    }
  })
})
