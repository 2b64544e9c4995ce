import { memorySource, memoryStateStore, type Row, runPipeline, type StateStore } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { openPostgres } from '../connection/open-postgres.js'
import { postgresSink } from '../sink/postgres-sink.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresStateStore } from './postgres-state-store.js'
import { ensureStateTables, stateTables } from './state-tables.js'

describePostgres("Drover's tables", () => {
  const database = useDatabase()
  const operation = { signal: new AbortController().signal }

  it('are made once by all who look for them at the same time', async () => {
    await using opened = await openPostgres({ connection: database.url }, operation)
    for (let round = 0; round < 20; round++) {
      const tables = stateTables({ tablePrefix: `round_${round}_` })
      const connections = await Promise.all(Array.from({ length: 6 }, () => opened.connect(operation)))
      try {
        await Promise.all(connections.map((connection) => ensureStateTables(connection, tables)))
      } finally {
        for (const connection of connections) await connection[Symbol.asyncDispose]()
      }
      const [found] = await database.query(
        `SELECT count(*)::int FROM pg_tables WHERE tablename LIKE 'round\\_${round}\\_%'`,
      )
      expect(found?.count).toBe(tables.names.length)
    }
  })

  /** As the first version made them. */
  const first = (place: string) => `
    CREATE TABLE ${place}.drover_meta (name text PRIMARY KEY, value text NOT NULL);
    CREATE TABLE ${place}.drover_runs (
      ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run text COLLATE "C" NOT NULL UNIQUE, name text COLLATE "C" NOT NULL,
      fingerprint text NOT NULL, partitions text NOT NULL, status text NOT NULL, started_at timestamptz NOT NULL,
      completed_at timestamptz, outcome text, control jsonb NOT NULL);
    CREATE INDEX drover_runs_by_name ON ${place}.drover_runs (name, ordinal);
    CREATE TABLE ${place}.drover_partitions (
      ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run text COLLATE "C" NOT NULL, "partition" text COLLATE "C" NOT NULL,
      bounds text NOT NULL, start text, fence bigint NOT NULL, sequence bigint NOT NULL DEFAULT 0, cursor text,
      done boolean NOT NULL DEFAULT false, counts text, holder text, expires_at timestamptz, UNIQUE (run, "partition"))
      WITH (fillfactor = 50);
    INSERT INTO ${place}.drover_meta VALUES ('version', '1')`

  it('of the first version are upgraded once by all who come, and a run goes on in them where it stood', async () => {
    await using place = await TestSchema.create(database)
    await database.query(`CREATE TABLE ${place.name}.t (id int PRIMARY KEY)`)
    const run = (name: string, records: number) =>
      runPipeline({
        name,
        source: memorySource<Row>({ records: Array.from({ length: 20 }, (_, i) => ({ id: i + 1 })), key: 'id' }),
        sink: postgresSink({ connection: database.url, table: `${place.name}.t`, stateSchema: place.name }),
        batchSize: 5,
        stopAfter: { records },
      })
    await run('a', 10)
    const runs = 'run, name, fingerprint, partitions, status, started_at, completed_at, outcome, control'
    const partitions = 'run, "partition", bounds, start, fence, sequence, cursor, done, counts, holder, expires_at'
    const now = `${place.name}_now`
    await database.query(`ALTER SCHEMA ${place.name} RENAME TO ${now}; CREATE SCHEMA ${place.name};
      ALTER TABLE ${now}.t SET SCHEMA ${place.name}; ${first(place.name)};
      INSERT INTO ${place.name}.drover_runs (${runs}) SELECT ${runs} FROM ${now}.drover_runs;
      INSERT INTO ${place.name}.drover_partitions (${partitions}) SELECT ${partitions} FROM ${now}.drover_partitions;
      DROP SCHEMA ${now} CASCADE`)
    const open = () => postgresStateStore({ connection: database.url, stateSchema: place.name })
    const stores = Array.from({ length: 4 }, open)
    await Promise.all(stores.map((store) => store.setup?.(operation)))
    await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()))
    const [version] = await database.query(`SELECT value::int AS value FROM ${place.name}.drover_meta`)
    expect(version?.value).toBeGreaterThan(1)
    const report = await run('a', 100)
    expect(report).toMatchObject({ status: 'completed', counts: { read: 20, inserted: 20 } })
    expect(report.attempt).toMatchObject({ resumed: true, counts: { read: 10 } })
  })

  it('lose positions of runs that are kept elsewhere, once those are old, and no others', async () => {
    await using place = await TestSchema.create(database)
    await database.query(`CREATE TABLE ${place.name}.t (id int)`)
    const run = async (name: string, state: StateStore = memoryStateStore()): Promise<string> => {
      const report = await runPipeline({
        name,
        source: memorySource<Row>({ records: [{ id: 1 }], key: 'id' }),
        sink: postgresSink({ connection: database.url, table: `${place.name}.t`, stateSchema: place.name }),
        state,
      })
      return report.run
    }
    const aged = async (name: string, days: number, more = ''): Promise<string> => {
      const id = await run(name)
      await database.query(
        `UPDATE ${place.name}.drover_partitions SET moved_at = now() - interval '${days} days' ${more} WHERE run = $1`,
        [id],
      )
      return id
    }
    await using own = postgresStateStore({ connection: database.url, stateSchema: place.name })
    const ours = await run('ours', own)
    await database.query(`UPDATE ${place.name}.drover_partitions SET moved_at = now() - interval '9 years'`)
    await aged('old', 91)
    const recent = await aged('recent', 89)
    const unfinished = await aged('unfinished', 364, ', done = false')
    await aged('given up', 366, ', done = false')
    const newest = await run('newest')
    const left = await database.query(`SELECT run FROM ${place.name}.drover_partitions ORDER BY ordinal`)
    expect(left.map((row) => row.run)).toEqual([ours, recent, unfinished, newest])
  })
})
