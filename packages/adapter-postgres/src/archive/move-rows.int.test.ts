import { runBackfill, startBackfill } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Referring } from '../testing/referring.js'
import { failure } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { type PostgresArchiveOptions, postgresArchive } from './postgres-archive.js'

describePostgres('postgresArchive within one database', () => {
  const database = useDatabase()
  let place: TestSchema

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await exec(`
      CREATE TYPE @mood AS ENUM ('calm', 'busy');
      CREATE TABLE @messages (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content varchar(40) NOT NULL, mood @mood DEFAULT 'calm', price numeric(10,2),
        at timestamptz, tags text[], data jsonb, length int GENERATED ALWAYS AS (length(content)) STORED, CHECK (content <> ''))`)
  })

  afterEach(() => place[Symbol.asyncDispose]())

  const at = (sql: string): string => sql.replaceAll('@', `${place.name}.`)
  const exec = (sql: string) => database.query(at(sql))
  const rows = async (sql: string): Promise<unknown[][]> => (await exec(sql)).map((row: object) => Object.values(row))
  const messages = (count: number): Promise<unknown> =>
    exec(`
      INSERT INTO @messages (content, mood, price, at, tags, data)
      SELECT 'message ' || i, CASE WHEN i % 2 = 0 THEN 'busy' ELSE 'calm' END::@mood, i / 7.0, timestamptz 'epoch' + i * interval '1.000001 s',
        ARRAY['a', NULL, i::text], jsonb_build_object('big', 12345678901234567890) FROM generate_series(1, ${count}) AS i`)
  /** Rows of the table, of the archive, and those that are in both. */
  const inBoth = (): Promise<unknown[][]> =>
    rows(`
      SELECT (SELECT count(*)::int FROM @messages) AS here, (SELECT count(*)::int FROM @old) AS there,
        (SELECT count(*)::int FROM @messages JOIN @old USING (id)) AS both`)

  function archive(options: Partial<PostgresArchiveOptions> = {}) {
    return postgresArchive({
      name: 'archive',
      connection: database.url,
      stateSchema: place.name,
      table: `${place.name}.messages`,
      where: `mood = 'busy' -- these`,
      to: `${place.name}.old`,
      batchSize: 500,
      ...options,
    })
  }

  const variants: readonly (readonly [string, Partial<PostgresArchiveOptions>])[] = [
    ['SQL', {}],
    ['SQL, leaving alone what is locked', { skipLocked: true }],
    ['a filter', { where: { mood: { eq: 'busy' } } }],
    ['a filter that SQL cannot repeat', { where: { mood: { eq: 'busy' }, content: { ne: '2020-01-01' } } }],
  ]

  it.each(variants)('moves the rows that match and no others, as they were: %s', async (_, options) => {
    await messages(2_500)
    await exec('CREATE TABLE @before AS SELECT * FROM @messages')
    const report = await runBackfill({ backfiller: archive(options) })
    expect(report).toMatchObject({
      status: 'completed',
      guarantee: 'exactly-once',
      counts: { read: 1_250, inserted: 1_250, skipped: 0, rejected: 0 },
    })
    expect(await inBoth()).toEqual([[1_250, 1_250, 0]])
    expect(await rows('SELECT * FROM @before EXCEPT (SELECT * FROM @messages UNION ALL SELECT * FROM @old)')).toEqual(
      [],
    )
    const again = await runBackfill({ backfiller: archive(options) })
    expect(again.counts).toMatchObject({ read: 0, inserted: 0 })
    await messages(4)
    expect((await runBackfill({ backfiller: archive(options) })).counts).toMatchObject({ read: 2, inserted: 2 })
    expect(await inBoth()).toEqual([[1_252, 1_252, 0]])
  })

  it('creates the archive with the same types and the key, and without what makes values', async () => {
    await messages(2)
    await runBackfill({ backfiller: archive() })
    expect(
      await rows(`
        SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated
        FROM pg_attribute AS a WHERE a.attrelid = '${place.name}.old'::regclass AND a.attnum > 0 ORDER BY a.attnum`),
    ).toEqual([
      ['id', 'bigint', true, false, '', ''],
      ['content', 'character varying(40)', true, false, '', ''],
      ['mood', expect.stringMatching(/mood$/), false, false, '', ''],
      ['price', 'numeric(10,2)', false, false, '', ''],
      ['at', 'timestamp with time zone', false, false, '', ''],
      ['tags', 'text[]', false, false, '', ''],
      ['data', 'jsonb', false, false, '', ''],
      ['length', 'integer', false, false, '', ''],
    ])
    expect(
      await rows(
        `SELECT contype, conkey::text FROM pg_constraint WHERE conrelid = '${place.name}.old'::regclass AND contype <> 'n'`,
      ),
    ).toEqual([['p', '{1}']])
  })

  it('writes to an archive that makes values by itself, with columns of its own', async () => {
    await messages(2)
    await exec(`CREATE TABLE @old (LIKE @messages INCLUDING ALL, archived_by text NOT NULL DEFAULT 'drover')`)
    await runBackfill({ backfiller: archive() })
    expect(await rows('SELECT id::int, length, archived_by FROM @old')).toEqual([[2, 9, 'drover']])
  })

  it('leaves what the application changed between reading and moving, and deletes nothing else', async () => {
    await messages(200)
    const backfiller = archive()
    const slow = {
      ...backfiller,
      source: backfiller.source.filter(async ({ id }) => {
        if (id === 200)
          await exec(
            `UPDATE @messages SET mood = 'calm' WHERE id IN (20, 40, 200); DELETE FROM @messages WHERE id = 60`,
          )
        return true
      }),
    }
    const { counts } = await runBackfill({ backfiller: slow })
    expect(counts).toMatchObject({ read: 100, inserted: 96, skipped: 4 })
    expect(await rows('SELECT count(*)::int FROM @old WHERE id IN (20, 40, 60, 200)')).toEqual([[0]])
    expect(await inBoth()).toEqual([[103, 96, 0]])
  })

  it('leaves what no longer holds a value that SQL cannot compare as the filter does', async () => {
    await messages(20)
    const backfiller = archive({ where: { mood: { eq: 'busy' }, content: { ne: '2020-01-01' } } })
    const slow = {
      ...backfiller,
      source: backfiller.source.filter(async ({ id }) => {
        if (id === 20) {
          await exec(
            `UPDATE @messages SET content = '2020-01-01' WHERE id = 4; UPDATE @messages SET price = 1 WHERE id = 6`,
          )
        }
        return true
      }),
    }
    expect((await runBackfill({ backfiller: slow })).counts).toMatchObject({ read: 10, inserted: 9, skipped: 1 })
    expect(await rows(`SELECT id::int FROM @messages WHERE mood = 'busy'`)).toEqual([[4]])
  })

  it('moves what the application changed meanwhile as it is then', async () => {
    await messages(10)
    const backfiller = archive()
    const slow = {
      ...backfiller,
      source: backfiller.source.filter(async ({ id }) => {
        if (id === 10) await exec(`UPDATE @messages SET content = 'edited' WHERE id = 4`)
        return true
      }),
    }
    await runBackfill({ backfiller: slow })
    expect(await rows('SELECT content FROM @old WHERE id = 4')).toEqual([['edited']])
  })

  it('leaves locked rows alone when asked, and else waits, and tries again', async () => {
    await messages(20)
    const holder = new pg.Client({ connectionString: database.url })
    await holder.connect()
    try {
      await holder.query(at('BEGIN; SELECT FROM @messages WHERE id = 8 FOR UPDATE'))
      const left = await runBackfill({ backfiller: archive({ skipLocked: true }) })
      expect(left.counts).toMatchObject({ read: 10, inserted: 9, skipped: 1 })
      await using live = startBackfill({ backfiller: archive({ lockTimeoutMs: 50 }) })
      live.events.on('batch:retried', () => void holder.query('ROLLBACK'))
      const { counts, attempt } = await live.result
      expect(counts).toMatchObject({ read: 1, inserted: 1 })
      expect(attempt.retries).toBeGreaterThan(0)
    } finally {
      await holder.end()
    }
    expect(await inBoth()).toEqual([[10, 10, 0]])
  })

  it('names the key of a row that is in the archive already, and deletes nothing of its batch', async () => {
    await messages(20)
    await exec(
      'CREATE TABLE @old (LIKE @messages, PRIMARY KEY (id)); INSERT INTO @old SELECT * FROM @messages WHERE id = 12',
    )
    const error = await failure(runBackfill({ backfiller: archive() }))
    expect(error.code).toBe('RECORD_REJECTED')
    expect(error.message).toMatch(/12/)
    expect(await inBoth()).toEqual([[20, 1, 1]])
  })

  it('refuses a row that a foreign key holds on to, by key, and it stays', async () => {
    await messages(40)
    await exec('CREATE TABLE @notes (message bigint REFERENCES @messages (id)); INSERT INTO @notes VALUES (10), (30)')
    const error = await failure(runBackfill({ backfiller: archive() }))
    expect(error.code).toBe('RECORD_REJECTED')
    expect(error.message).toMatch(/10/)
    expect(await rows('SELECT count(*)::int FROM @old')).toEqual([[0]])
    const report = await runBackfill({ backfiller: archive(), maxRejected: 2 })
    expect(report.counts).toMatchObject({ read: 20, inserted: 18, rejected: 2 })
    expect(report.rejected.map(({ key }) => key)).toEqual([[10], [30]])
    expect(await inBoth()).toEqual([[22, 18, 0]])
  })

  it.each([false, true])('loses no row that somebody begins to refer to (skipLocked: %s)', async (skipLocked) => {
    await messages(40)
    await exec('CREATE TABLE @notes (message bigint REFERENCES @messages (id) ON DELETE CASCADE)')
    await using referring = await Referring.begin(database, at('INSERT INTO @notes VALUES (10)'))
    const live = startBackfill({ backfiller: archive({ skipLocked, lockTimeoutMs: 0 }), maxRejected: 1 })
    if (!skipLocked) await referring.commitOnceBlocking()
    const { counts, rejected } = await live.result
    if (skipLocked) await referring.commit()
    expect(counts).toMatchObject({ read: 20, inserted: 19, skipped: skipLocked ? 1 : 0, rejected: skipLocked ? 0 : 1 })
    expect(rejected.map(({ key }) => key)).toEqual(skipLocked ? [] : [[10]])
    expect(await rows('SELECT message::int FROM @notes')).toEqual([[10]])
    expect(await inBoth()).toEqual([[21, 19, 0]])
  })

  it.each(['CASCADE', 'SET NULL'])('refuses a row whose DELETE would change others: ON DELETE %s', async (action) => {
    await messages(40)
    await exec(
      `CREATE TABLE @notes (message bigint REFERENCES @messages (id) ON DELETE ${action}); INSERT INTO @notes VALUES (10), (31)`,
    )
    const error = await failure(runBackfill({ backfiller: archive() }))
    expect(error.code).toBe('RECORD_REJECTED')
    expect(error.message).toMatch(/notes.*refer to it by \(message\)/)
    const report = await runBackfill({ backfiller: archive(), maxRejected: 1 })
    expect(report.counts).toMatchObject({ read: 20, inserted: 19, rejected: 1 })
    expect(report.rejected.map(({ key }) => key)).toEqual([[10]])
    expect(await rows('SELECT message::int FROM @notes ORDER BY 1')).toEqual([[10], [31]])
  })

  it('counts a row that a trigger does not let go as skipped, and stops if the archive leaves one out', async () => {
    await messages(20)
    await exec(`
      CREATE FUNCTION @stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.id = 6 THEN RETURN NULL; END IF; RETURN OLD; END $$;
      CREATE TRIGGER stays BEFORE DELETE ON @messages FOR EACH ROW EXECUTE FUNCTION @stay();
      CREATE FUNCTION @drop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 8 THEN RETURN NULL; END IF; RETURN NEW; END $$;
      CREATE TABLE @old (LIKE @messages, PRIMARY KEY (id));
      CREATE TRIGGER drops BEFORE INSERT ON @old FOR EACH ROW EXECUTE FUNCTION @drop()`)
    const error = await failure(runBackfill({ backfiller: archive() }))
    expect(error.message).toMatch(/took 8 of 9 rows, because a trigger/)
    expect(await inBoth()).toEqual([[20, 0, 0]])
    await exec('DROP TRIGGER drops ON @old')
    expect((await runBackfill({ backfiller: archive() })).counts).toMatchObject({ read: 10, inserted: 9, skipped: 1 })
    expect(await rows(`SELECT id::int FROM @messages WHERE mood = 'busy'`)).toEqual([[6]])
  })

  it('goes on where it was stopped, in partitions too', async () => {
    await messages(4_000)
    const stopped = await runBackfill({ backfiller: archive(), parallel: 2, stopAfter: { records: 900 } })
    expect(stopped.status).toBe('stopped')
    expect(stopped.partitions.length).toBe(2)
    const report = await runBackfill({ backfiller: archive(), parallel: 2 })
    expect(report).toMatchObject({ run: stopped.run, counts: { read: 2_000, inserted: 2_000 } })
    expect(await inBoth()).toEqual([[2_000, 2_000, 0]])
  })

  it('archives by a key of several columns, out of a partitioned table', async () => {
    await exec(`
      CREATE TABLE @events (tenant text, at timestamptz, body bytea, PRIMARY KEY (tenant, at)) PARTITION BY LIST (tenant);
      CREATE TABLE @events_a PARTITION OF @events FOR VALUES IN ('a');
      CREATE TABLE @events_b PARTITION OF @events DEFAULT;
      INSERT INTO @events SELECT CASE i % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'B' ELSE 'ä' END, timestamptz 'epoch' + i * interval '1 us', int4send(i)
        FROM generate_series(1, 3000) AS i`)
    const options = { table: `${place.name}.events`, where: 'body < int4send(2001)', to: `${place.name}.old_events` }
    expect((await runBackfill({ backfiller: archive(options) })).counts).toMatchObject({ read: 2_000, inserted: 2_000 })
    expect(
      await rows(
        'SELECT (SELECT count(*)::int FROM @events) AS here, (SELECT count(*)::int FROM @old_events) AS there',
      ),
    ).toEqual([[1_000, 2_000]])
  })

  const unfit: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'another type',
      'CREATE TABLE @old (LIKE @messages); ALTER TABLE @old ALTER price TYPE numeric(10,1)',
      'FIDELITY_LOSS',
      /"price" is numeric\(10,1\)/,
    ],
    [
      'no such column',
      'CREATE TABLE @old (LIKE @messages); ALTER TABLE @old DROP tags',
      'SINK_NOT_READY',
      /no column "tags"/,
    ],
    [
      'a column that nothing fills',
      'CREATE TABLE @old (LIKE @messages, reason text NOT NULL)',
      'SINK_NOT_READY',
      /"reason" must not be null/,
    ],
    ['no table', 'CREATE VIEW @old AS SELECT * FROM @messages', 'SINK_NOT_READY', /is a view/],
    [
      'tables that inherit',
      'CREATE TABLE @more (extra text) INHERITS (@messages)',
      'OPTION_INVALID',
      /inherit from it, such as \S*more/,
    ],
  ]

  it.each(unfit)('refuses at once, and deletes nothing: %s', async (_, sql, code, message) => {
    await messages(10)
    await exec(sql)
    const error = await failure(runBackfill({ backfiller: archive() }))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(await rows('SELECT count(*)::int FROM @messages')).toEqual([[10]])
  })

  it('refuses options that cannot be meant', async () => {
    expect((await failure(() => archive({ where: '' }))).code).toBe('OPTION_INVALID')
    expect((await failure(() => archive({ too: 'old' } as object))).message).toMatch(/no option "too"/)
    const itself = await failure(runBackfill({ backfiller: archive({ to: `${place.name}.messages` }) }))
    expect(itself.message).toMatch(/rows are to leave it/)
    await database.query(`CREATE TABLE ${place.name}.whole (LIKE ${place.name}.messages) PARTITION BY RANGE (id)`)
    await database.query(`CREATE TABLE ${place.name}.part PARTITION OF ${place.name}.whole (PRIMARY KEY (id)) DEFAULT`)
    const part = archive({ name: 'part', table: `${place.name}.part`, to: `${place.name}.whole` })
    expect((await failure(runBackfill({ backfiller: part }))).message).toMatch(/rows are to leave it/)
    const missing = await failure(runBackfill({ backfiller: archive({ name: 'other', createTable: false }) }))
    expect(missing.message).toMatch(/there is no such table, and createTable is false/)
  })
})
