import { from, memorySource, type Row, runPipeline, startPipeline, type Warning } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failure } from '../../testing/test-lane.js'
import { TestSchema } from '../../testing/test-schema.js'
import { type PostgresSinkOptions, postgresSink } from '../postgres-sink.js'
import { restoreIndexes } from './restore-indexes.js'

describePostgres("indexes: 'after'", () => {
  const database = useDatabase()
  let place: TestSchema
  beforeEach(async () => {
    place = await TestSchema.create(database)
    await database.query(`SET search_path = ${place.name}`)
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const rows: Row[] = Array.from({ length: 4_000 }, (_, i) => ({ id: i + 1, a: i % 7, b: `b${i}`, at: '2026-01-01' }))
  const location = () => ({ connection: database.url, table: `${place.name}.t`, stateSchema: place.name })
  const sink = (options: Partial<PostgresSinkOptions> = {}) =>
    postgresSink({ ...location(), indexes: 'after', ...options })

  /** All that is known of the indexes of the schema's own tables. */
  const indexes = () =>
    database.query(`
      SELECT c.relname, pg_get_indexdef(c.oid) AS definition, obj_description(c.oid, 'pg_class') AS comment, s.spcname,
        c.reloptions, i.indisvalid, i.indisclustered, i.indisreplident, p.inhparent::regclass::text AS parent, pg_get_userbyid(c.relowner) AS owner,
        (SELECT array_agg(attstattarget ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid) AS targets
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
        LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace LEFT JOIN pg_inherits AS p ON p.inhrelid = c.oid
      WHERE t.relnamespace = '${place.name}'::regnamespace AND t.relname NOT LIKE 'drover%' ORDER BY c.relname`)
  const names = async () => (await indexes()).map(({ relname }) => relname)
  const count = async (): Promise<number> => Number((await database.query('SELECT count(*) FROM t'))[0]?.count)
  const stored = async () => (await database.query('SELECT name FROM drover_indexes ORDER BY ordinal')).length

  const plain = `
    CREATE TABLE t (id int PRIMARY KEY, a int, b text UNIQUE, at date);
    CREATE INDEX by_a ON t (a); CREATE INDEX by_at ON t (at DESC) WHERE a > 3; CREATE UNIQUE INDEX one_of ON t (b, a)`

  /** Writes all rows, in batches of 1000, and looks at the indexes before the last of them. */
  async function run(
    options: Partial<PostgresSinkOptions> = {},
    during: () => Promise<unknown> = names,
    parallel = 1,
    maxRetries = 8,
  ) {
    let seen: unknown
    let warned: readonly Warning[] = []
    const live = startPipeline({
      name: 'load',
      source: from(memorySource<Row>({ records: rows, key: ['id'] })).pipe(async (row) => {
        if (row.id === 3_500) seen = await during()
        return row
      }),
      sink: sink(options),
      batchSize: 1_000,
      parallel,
      maxRetries,
    })
    live.events.on('run:warning', (warning) => {
      warned = [...warned, warning]
    })
    const ended = await live.result.catch((error: unknown) => error as Error)
    return { seen, warned: warned.map(({ code, message }) => `${code} ${message}`), ended }
  }

  describe('of a table without rows', () => {
    it.each(['error', 'update'] as const)(
      'go while the run writes, but for those that refuse rows, and are what they were after it (onConflict: %s)',
      async (onConflict) => {
        await database.query(plain)
        const before = await indexes()
        const { seen, warned, ended } = await run({ onConflict })
        expect(ended).toMatchObject({ status: 'completed', counts: { inserted: 4_000 } })
        expect(seen).toEqual(['one_of', 't_b_key', 't_pkey'])
        expect(await indexes()).toEqual(before)
        expect(warned).toEqual([])
        expect([await count(), await stored()]).toEqual([4_000, 0])
      },
    )

    it('come back byte for byte, with comment, place, settings and statistics', async () => {
      const space = `space_${place.name}`
      await database.query('SET allow_in_place_tablespaces = on')
      await database.query(`CREATE TABLESPACE ${space} LOCATION ''`)
      try {
        await database.query(`
          CREATE FUNCTION twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n * 2';
          CREATE TABLE t (id int PRIMARY KEY, a int, b text, at date) WITH (autovacuum_enabled = off);
          CREATE INDEX "x"";drop index y ON ONLY z" ON t (twice(a), b COLLATE "C" text_pattern_ops DESC NULLS LAST) INCLUDE (at) WITH (fillfactor = 71)
            TABLESPACE ${space} WHERE b IS DISTINCT FROM 'it''s \\';
          COMMENT ON INDEX "x"";drop index y ON ONLY z" IS 'it''s a \\ index';
          ALTER INDEX "x"";drop index y ON ONLY z" ALTER COLUMN 1 SET STATISTICS 321;
          CREATE INDEX by_at ON t USING brin (at) WITH (pages_per_range = 7); CREATE INDEX by_a ON t USING hash (a);
          CREATE INDEX by_word ON t USING gin (to_tsvector('simple', b)); CREATE INDEX clustered ON t (a, at); ALTER TABLE t CLUSTER ON clustered;
          CREATE UNIQUE INDEX identity ON t (id, a); ALTER TABLE t ALTER a SET NOT NULL, REPLICA IDENTITY USING INDEX identity`)
        const before = await indexes()
        const { seen, ended } = await run()
        expect(ended).toMatchObject({ status: 'completed' })
        expect(seen).toEqual(['identity', 't_pkey'])
        expect(await indexes()).toEqual(before)
        const [statistics] = await database.query(
          `SELECT count(*)::int FROM pg_stats WHERE schemaname = $1 AND tablename LIKE 'x"%' AND attname = 'twice'`,
          [place.name],
        )
        expect(statistics?.count).toBe(1)
      } finally {
        await database.query('DROP TABLE IF EXISTS t')
        await database.query(`DROP TABLESPACE ${space}`)
      }
    })

    it('and those of its partitions come back, each where it was, and partitions that came meanwhile have them too', async () => {
      await database.query(`
        CREATE TABLE t (id int, a int, b text, at date, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (1) TO (1000);
        CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (1000) TO (5000) PARTITION BY RANGE (id);
        CREATE TABLE t_2_1 PARTITION OF t_2 FOR VALUES FROM (1000) TO (5000);
        CREATE INDEX of_leaf ON t_2_1 (a) WITH (fillfactor = 50); CREATE INDEX by_a ON t (a); COMMENT ON INDEX t_1_a_idx IS 'of a part';
        CREATE INDEX alone ON t_1 (b); CREATE INDEX half ON ONLY t (b); ALTER INDEX half ATTACH PARTITION alone`)
      const before = await indexes()
      expect(before.filter(({ relname }) => ['half', 'of_leaf'].includes(String(relname)))).toMatchObject([
        { indisvalid: false },
        { parent: 't_2_a_idx' },
      ])
      const { seen, ended } = await run({}, async () => {
        const there = await names()
        await database.query('CREATE TABLE t_3 PARTITION OF t FOR VALUES FROM (5000) TO (6000)')
        return there
      })
      expect(ended).toMatchObject({ status: 'completed' })
      // An index that is not valid is somebody's work; it stays, and so do its parts.
      expect(seen).toEqual(['alone', 'half', 't_1_pkey', 't_2_1_pkey', 't_2_pkey', 't_pkey'])
      const after = await indexes()
      expect(after.filter(({ relname }) => !String(relname).startsWith('t_3'))).toEqual(before)
      expect(after.filter(({ relname }) => String(relname).startsWith('t_3'))).toMatchObject([
        { relname: 't_3_a_idx', parent: 'by_a', indisvalid: true },
        { relname: 't_3_b_idx' },
        { relname: 't_3_pkey' },
      ])
      await database.query('DROP TABLE t_3')
    })

    it('stay, and it is said, if this user could not build them again', async () => {
      await database.query(plain)
      const role = `role_${place.name}`
      await database.query(`
        CREATE ROLE ${role}; GRANT USAGE ON SCHEMA ${place.name} TO ${role}; GRANT ALL ON SCHEMA ${place.name} TO ${role};
        GRANT SELECT, INSERT ON t TO ${role}`)
      try {
        const connection = { connectionString: database.url, options: `-c role=${role}` }
        const before = await indexes()
        const { ended } = await run({ connection })
        expect(ended).toMatchObject({
          code: 'STORE_DENIED',
          message: expect.stringContaining('ownership of'),
        })
        await database.query(`ALTER TABLE t OWNER TO ${role}; REVOKE CREATE ON SCHEMA ${place.name} FROM ${role}`)
        expect((await run({ connection })).ended).toMatchObject({
          message: expect.stringContaining('CREATE on schema'),
        })
        expect(await names()).toEqual(before.map(({ relname }) => relname))
      } finally {
        await database.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`)
      }
    })
  })

  it('of a table that has rows are kept, and it is said, unless it is after-always', async () => {
    await database.query(`${plain}; INSERT INTO t VALUES (0, 0, 'zero')`)
    const before = await indexes()
    const kept = await run()
    expect(kept.seen).toEqual(before.map(({ relname }) => relname))
    expect(kept.warned).toEqual([
      expect.stringMatching(/^INDEXES table ".*has rows already, so its 2 indexes are kept/),
    ])
    await database.query('DELETE FROM t WHERE id > 0; DELETE FROM drover_runs')
    const always = await run({ indexes: 'after-always' })
    expect(always.seen).toEqual(['one_of', 't_b_key', 't_pkey'])
    expect(await indexes()).toEqual(before)
  })

  it('are off after a run that stopped, which says so; the next one goes on and gives them back', async () => {
    await database.query(plain)
    const before = await indexes()
    const source = memorySource<Row>({ records: rows, key: ['id'] })
    const load = (options: Partial<PostgresSinkOptions>, records?: number) =>
      runPipeline({
        name: 'load',
        source,
        sink: sink(options),
        batchSize: 1_000,
        ...(records === undefined ? {} : { stopAfter: { records } }),
      })
    const stopped = await load({}, 1_000)
    expect(stopped).toMatchObject({ status: 'stopped', warnings: [{ code: 'INDEXES' }] })
    expect(stopped.warnings[0]?.message).toMatch(/is without 2 of its indexes: ".*"by_a".*restoreIndexes\(\).*\\gexec/)
    expect(await names()).toEqual(['one_of', 't_b_key', 't_pkey'])
    const kept = await load({ indexes: 'keep' }, 1_000)
    expect(kept.warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('is without 2 of its indexes'),
    ])
    expect(await load({})).toMatchObject({ status: 'completed', warnings: [] })
    expect(await indexes()).toEqual(before)
    expect(await count()).toBe(4_000)
  })

  it('are off after a run that failed, which says so; restoreIndexes gives them back, psql does too', async () => {
    await database.query(plain)
    const before = await indexes()
    const fail = () => run({}, () => Promise.reject(new Error('no')))
    const { ended, warned } = await fail()
    expect(ended).toMatchObject({ code: 'RECORD_REJECTED' })
    expect(warned).toEqual([expect.stringMatching(/^INDEXES table .* is without 2/)])
    const target = { ...location() }
    const [one, two] = await Promise.all([restoreIndexes(target), restoreIndexes(target)])
    expect([...one, ...two].toSorted()).toEqual([`"${place.name}"."by_a"`, `"${place.name}"."by_at"`])
    expect(await indexes()).toEqual(before)
    await database.query('DELETE FROM t; DELETE FROM drover_runs; DELETE FROM drover_partitions')
    await fail()
    for (const { restore } of await database.query('SELECT restore FROM drover_indexes ORDER BY ordinal')) {
      await database.query(String(restore))
    }
    expect(await indexes()).toEqual(before)
    // It had come as far as 3000 records.
    expect((await run()).ended).toMatchObject({ status: 'completed' })
    expect([await stored(), await indexes()]).toEqual([0, before])
  })

  it('are built by one of several partitions, once', async () => {
    await database.query(plain)
    const before = await indexes()
    const { ended } = await run({}, names, 4)
    expect(ended).toMatchObject({ status: 'completed' })
    expect(await indexes()).toEqual(before)
  })

  it('of which one cannot be built are told with its remedy, the others are there', async () => {
    await database.query(`${plain}; CREATE INDEX a_fraction ON t ((100 / (a - 6)))`)
    const { ended } = await run()
    expect(ended).toMatchObject({ code: 'SINK_NOT_READY', message: expect.stringContaining('division by zero') })
    expect((ended as Error).message).toContain(`("${place.name}"."a_fraction")`)
    expect(await count()).toBe(4_000)
    expect(await names()).toEqual(['by_a', 'by_at', 'one_of', 't_b_key', 't_pkey'])
    // Written anew: an index is also computed of rows that are gone but that another test's transaction may still see.
    await database.query('ALTER TABLE t ALTER a TYPE int USING CASE a WHEN 6 THEN 7 ELSE a END')
    expect((await run()).ended).toMatchObject({ status: 'completed' })
    expect(await names()).toContain('a_fraction')
  })

  it('that somebody else has made again meanwhile are left as they are', async () => {
    await database.query(plain)
    const { warned, ended } = await run({}, () =>
      database.query('CREATE INDEX by_a ON t (a, id); CREATE INDEX by_at ON t (at DESC) WHERE a > 3'),
    )
    expect(ended).toMatchObject({ status: 'completed' })
    expect(warned).toEqual([
      expect.stringMatching(/"by_a" is there again with another definition.*It was: CREATE INDEX/),
    ])
    expect((await indexes()).find(({ relname }) => relname === 'by_a')?.definition).toContain('(a, id)')
    expect(await stored()).toBe(0)
  })

  it('wait no longer than lockTimeoutMs for the table', async () => {
    await database.query(plain)
    await database.query('BEGIN; SELECT FROM t')
    try {
      const work = runPipeline({
        name: 'load',
        source: memorySource<Row>({ records: rows, key: ['id'] }),
        sink: sink({ lockTimeoutMs: 50 }),
        maxRetries: 0,
      })
      expect(await failure(work)).toMatchObject({
        code: 'STORE_BUSY',
        message: expect.stringContaining('dropping the indexes'),
      })
    } finally {
      await database.query('ROLLBACK')
    }
    expect(await names()).toContain('by_a')
  })

  it('are built once nobody writes to the table: writers wait behind that no longer than lockTimeoutMs', async () => {
    await database.query(plain)
    const before = await indexes()
    const writer = new pg.Client({ connectionString: database.url })
    await writer.connect()
    const hold = () => writer.query(`BEGIN; INSERT INTO ${place.name}.t VALUES (0, 0, 'theirs')`)
    try {
      const { ended } = await run({ lockTimeoutMs: 50 }, hold, 1, 1)
      expect(ended).toMatchObject({
        code: 'STORE_BUSY',
        message: expect.stringMatching(/building index .*lockTimeoutMs/),
      })
      expect(await names()).toEqual(['one_of', 't_b_key', 't_pkey'])
      const busy = await failure(restoreIndexes({ ...location(), lockTimeoutMs: 50 }))
      expect(busy.code).toBe('STORE_BUSY')
      const live = startPipeline({
        name: 'load',
        source: from(memorySource<Row>({ records: rows, key: ['id'] })).pipe(async (row) => row),
        sink: sink({ lockTimeoutMs: 50 }),
      })
      live.events.on('batch:retried', () => void writer.query('COMMIT'))
      const { attempt, counts } = await live.result
      expect(attempt.retries).toBeGreaterThan(0)
      expect([counts.inserted, attempt.counts.read]).toEqual([4_000, 0])
      expect(await indexes()).toEqual(before)
      expect([await count(), await stored()]).toEqual([4_001, 0])
    } finally {
      await writer.end()
    }
  })

  it('stay if what they were like cannot be stored', async () => {
    await database.query(plain)
    const before = await indexes()
    expect(await restoreIndexes(location())).toEqual([])
    await database.query('BEGIN; LOCK TABLE drover_indexes IN SHARE MODE')
    try {
      const work = runPipeline({
        name: 'load',
        source: memorySource<Row>({ records: rows, key: ['id'] }),
        sink: sink({ lockTimeoutMs: 50 }),
        maxRetries: 0,
      })
      expect(await failure(work)).toMatchObject({
        code: 'STORE_BUSY',
        message: expect.stringContaining('lock timeout'),
      })
    } finally {
      await database.query('ROLLBACK')
    }
    expect([await indexes(), await stored(), await count()]).toEqual([before, 0, 0])
  })

  it('has to be one of the policies', () => {
    expect(() => sink({ indexes: 'never' as 'after' })).toThrow("indexes is 'keep' or 'after' or 'after-always'")
  })
})
