import { from, memorySource, omit, type Row, runBackfill, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { postgresUpdateSink } from '../backfill/postgres-update-sink.js'
import { type PostgresSinkOptions, postgresSink } from '../sink/postgres-sink.js'
import { failure } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresUndo } from './postgres-undo.js'

describePostgres('undo of a pipeline into PostgreSQL', () => {
  const database = useDatabase()
  let place: TestSchema

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await exec(`
      CREATE TABLE @t (id int PRIMARY KEY, a text, b text, c int GENERATED ALWAYS AS (length(a)) STORED);
      INSERT INTO @t (id, a, b) SELECT i, 'old ' || i, 'kept ' || i FROM generate_series(1, 100) AS i`)
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const exec = (sql: string) => database.query(sql.replaceAll('@', `${place.name}.`))
  const whole = (table = 't') => exec(`SELECT t::text AS row FROM @${table} AS t ORDER BY 1`)
  const state = () => ({ connection: database.url, stateSchema: place.name })
  const records = (from: number, to: number, a = 'new'): Row[] =>
    Array.from({ length: to - from + 1 }, (_, i) => ({ id: from + i, a: `${a} ${from + i}` }))
  /** Also rows of one key. */
  const given = (rows: readonly Row[]) =>
    from(memorySource<Row>({ records: rows.map((row, nr) => ({ nr, ...row })), key: 'nr' })).pipe(omit(['nr']))
  const sinkOf = (options: Partial<PostgresSinkOptions> = {}) =>
    postgresSink({ ...state(), table: `${place.name}.t`, undo: true, ...options })
  const load = (rows: Row[], options: Partial<PostgresSinkOptions> = {}) =>
    runPipeline({
      name: 'load',
      source: given(rows),
      sink: sinkOf(options),
      batchSize: 40,
    })
  const undo = (run = 'load') => runBackfill({ backfiller: postgresUndo({ ...state(), run, batchSize: 30 }) })

  it.each([
    ['error', records(101, 250), { restored: 0, deleted: 150, kept: 0 }],
    ['skip', records(51, 150), { restored: 0, deleted: 50, kept: 0 }],
    ['update', records(51, 150), { restored: 50, deleted: 50, kept: 0 }],
    [{ merge: ['a'] }, records(51, 150), { restored: 50, deleted: 50, kept: 0 }],
  ] as const)('takes back what onConflict %j wrote', async (onConflict, rows, figures) => {
    const before = await whole()
    await load([...rows], { onConflict })
    expect(await whole()).not.toEqual(before)
    expect((await undo()).account).toEqual({ figures, kept: [] })
    expect(await whole()).toEqual(before)
  })

  it('empties a table that the run created', async () => {
    await load(records(1, 100), { table: `${place.name}.made`, key: 'id' })
    expect((await undo()).account?.figures).toEqual({ restored: 0, deleted: 100, kept: 0 })
    expect(await whole('made')).toEqual([])
  })

  it('gives back what was there before the first of several writes of a row', async () => {
    const before = await whole()
    // Within a batch, and in several.
    await load(
      ['one', 'one', 'two', 'three'].flatMap((a) => records(91, 110, a)),
      { onConflict: 'update' },
    )
    expect((await undo()).account?.figures).toEqual({ restored: 10, deleted: 10, kept: 0 })
    expect(await whole()).toEqual(before)
  })

  it('keeps what the application changed, deleted or refers to, in any column', async () => {
    await exec('CREATE TABLE @r (id int PRIMARY KEY, t_id int REFERENCES @t ON DELETE CASCADE)')
    await load(records(91, 110), { onConflict: 'update' })
    await exec(
      `UPDATE @t SET b = 'theirs' WHERE id IN (95, 105); DELETE FROM @t WHERE id = 96; INSERT INTO @r VALUES (1, 107)`,
    )
    const { account, counts } = await undo()
    expect(counts).toMatchObject({ read: 20, updated: 16, skipped: 4 })
    expect(account?.kept.toSorted((x, y) => Number(x.key[0]) - Number(y.key[0]))).toEqual([
      { key: [95], reason: 'was changed since' },
      { key: [96], reason: 'was deleted since' },
      { key: [105], reason: 'was changed since' },
      { key: [107], reason: `was inserted by the run, but rows of "${place.name}"."r" refer to it` },
    ])
    expect(await exec('SELECT id FROM @t WHERE id > 94 AND id < 98 OR id > 100 ORDER BY id')).toEqual(
      [95, 97, 105, 107].map((id) => ({ id })),
    )
    expect(await exec('SELECT count(*)::int AS n FROM @r')).toEqual([{ n: 1 }])
  })

  it('keeps what somebody refers to in a transaction that is still open when the undo begins', async () => {
    await exec('CREATE TABLE @r (id int PRIMARY KEY, t_id int REFERENCES @t ON DELETE CASCADE)')
    await load(records(101, 110))
    const held = new pg.Client(database.url)
    await held.connect()
    await held.query(`BEGIN; INSERT INTO ${place.name}.r VALUES (1, 107)`)
    const undone = undo()
    const waiting = `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted`
    while ((await held.query(waiting)).rows[0].n === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await held.query('COMMIT')
    await held.end()
    expect((await undone).account?.figures).toEqual({ restored: 0, deleted: 9, kept: 1 })
    expect(await exec('SELECT id, t_id FROM @r')).toEqual([{ id: 1, t_id: 107 }])
  })

  it('deletes rows of a tree that refer to each other', async () => {
    await exec('CREATE TABLE @tree (id int PRIMARY KEY, parent int REFERENCES @tree)')
    const rows = Array.from({ length: 100 }, (_, i) => ({ id: i + 1, parent: i === 0 ? null : Math.ceil(i / 2) }))
    await load(rows, { table: `${place.name}.tree` })
    expect((await undo()).account?.figures).toEqual({ restored: 0, deleted: 100, kept: 0 })
  })

  it('keeps every value of every type', async () => {
    await exec(`
      CREATE TYPE @mood AS ENUM ('sad', 'so, "so"');
      CREATE TYPE @pair AS (x int, y text);
      CREATE TABLE @all (id bigint, part text COLLATE "C", f8 float8, f4 float4, n numeric, t text, by bytea, ts timestamptz, d date, i interval,
        j json, jb jsonb, u uuid, ar text[], ar2 int[][], m @mood, p @pair, r int4range, mo money, bi bit varying, ch char(9), x xml, ip inet,
        at timestamptz[], tz timetz, PRIMARY KEY (id, part));
      INSERT INTO @all VALUES
        (9223372036854775807, 'a,"b"\\', 'NaN', '-0', '1e-30', E'a\\tb\\n\\\\"''ü ', '\\x00ff', '2024-03-31 02:30:00.123456+05:45', 'infinity', '1 mon -3 days 04:05:06.7',
         '{"a": 1.0,  "a":2}', '{"b":1e400}', gen_random_uuid(), '{NULL,"NULL","",x}', '[0:1][2:3]={{1,2},{3,4}}', 'so, "so"', ROW(1, ''), '[1,5)', '12.34', B'0101', 'x', '<a/>', '::1',
         '{2024-01-01 00:00+00}', '04:05:06.789-08'),
        (1, '', '-Infinity', '1e-45', 'NaN', '', '', '-infinity', '4713-01-01 BC', '-1 s', 'null', 'null', NULL, '{}', NULL, NULL, ROW(NULL, NULL), 'empty', '0', B'', '', '', '10.0.0.0/8', '{}', '00:00+00'),
        (1, 'b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`)
    const before = await whole('all')
    const source = given(
      [['a,"b"\\', 9223372036854775807n] as const, ['', 1] as const, ['b', 1] as const].map(([part, id]) => ({
        id,
        part,
        t: 'other',
        n: '5',
        ts: '2020-01-01T00:00:00Z',
        f8: 1.5,
      })),
    )
    await runPipeline({ name: 'load', source, sink: sinkOf({ table: `${place.name}.all`, onConflict: 'update' }) })
    expect(await whole('all')).not.toEqual(before)
    // Undone by somebody whose session is in another zone.
    const url = new URL(database.url)
    url.searchParams.set('options', '-c TimeZone=America/St_Johns -c DateStyle=German')
    const report = await runBackfill({ backfiller: postgresUndo({ ...state(), connection: url.href, run: 'load' }) })
    expect(report.account).toEqual({ figures: { restored: 3, deleted: 0, kept: 0 }, kept: [] })
    expect(await whole('all')).toEqual(before)
  })

  it.each(['u', 'l', 's', 'w', 'i'])('takes back what was written to a table of the name %s', async (name) => {
    await exec(
      `CREATE TABLE @${name} (id int PRIMARY KEY, "at" text, key text, image text); INSERT INTO @${name} VALUES (1, 'old'), (9, 'old')`,
    )
    const before = await whole(name)
    await load(
      [1, 2].map((id) => ({ id, at: 'new', image: 'new' })),
      { table: `${place.name}.${name}`, onConflict: 'update' },
    )
    expect((await undo()).account?.figures).toEqual({ restored: 1, deleted: 1, kept: 0 })
    expect(await whole(name)).toEqual(before)
  })

  it('finds types where the run found them', async () => {
    await exec(`CREATE TYPE @mood AS ENUM ('sad', 'glad'); CREATE TABLE @m (id int PRIMARY KEY, m @mood, ms @mood[]);
      INSERT INTO @m VALUES (1, 'sad', '{sad}')`)
    const before = await whole('m')
    const url = new URL(database.url)
    url.searchParams.set('options', `-c search_path=${place.name}`)
    const rows = [1, 2].map((id) => ({ id, m: 'glad', ms: ['glad'] }))
    await load(rows, { table: 'm', onConflict: 'update', connection: url.href })
    expect((await undo()).account?.figures).toEqual({ restored: 1, deleted: 1, kept: 0 })
    expect(await whole('m')).toEqual(before)
  })

  it('is impossible where a key has several rows since', async () => {
    await load(records(91, 92), { onConflict: 'update' })
    await exec('ALTER TABLE @t DROP CONSTRAINT t_pkey; INSERT INTO @t (id, a, b) SELECT id, a, b FROM @t WHERE id = 91')
    const before = await whole()
    expect(await failure(undo())).toMatchObject({ code: 'UNDO_IMPOSSIBLE' })
    expect(await whole()).toEqual(before)
  })

  it.each([
    ['in a partitioned table', 'p', 100],
    ['though one partition alone has them', 'p2', 51],
  ] as const)('takes back what an update sink set, with what triggers made of it, %s', async (_, triggered, n) => {
    await exec(`
      CREATE TABLE @p (id int PRIMARY KEY, a text, touched int NOT NULL DEFAULT 0) PARTITION BY RANGE (id);
      CREATE TABLE @p1 PARTITION OF @p FOR VALUES FROM (0) TO (50);
      CREATE TABLE @p2 (a text, touched int NOT NULL DEFAULT 0, id int PRIMARY KEY);
      ALTER TABLE @p ATTACH PARTITION @p2 FOR VALUES FROM (50) TO (200);
      INSERT INTO @p SELECT i, 'old ' || i FROM generate_series(1, 100) AS i;
      CREATE FUNCTION @touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.a LIKE 'new%' THEN new.touched := 7; END IF; RETURN new; END $$;
      CREATE TRIGGER touch BEFORE UPDATE ON @${triggered} FOR EACH ROW EXECUTE FUNCTION @touch()`)
    const before = await whole('p')
    const source = given([...records(1, 100), ...records(90, 95, 'newer')])
    const sink = postgresUpdateSink<Row>({ ...state(), table: `${place.name}.p`, sets: ['a'], undo: true })
    await runPipeline({ name: 'load', source, sink, batchSize: 40 })
    expect(await exec('SELECT count(*)::int AS n FROM @p WHERE touched = 7')).toEqual([{ n }])
    expect((await undo()).account?.figures).toEqual({ restored: 100, deleted: 0, kept: 0 })
    expect(await whole('p')).toEqual(before)
  })

  it('restores what there is where a column was added or its type widened since, and says which one is gone', async () => {
    await load(records(91, 110), { onConflict: 'update' })
    await exec(`ALTER TABLE @t ADD COLUMN later text DEFAULT 'later'; ALTER TABLE @t ALTER COLUMN id TYPE bigint`)
    await exec('ALTER TABLE @t RENAME COLUMN b TO gone')
    expect(await failure(undo())).toMatchObject({ code: 'UNDO_IMPOSSIBLE', message: expect.stringContaining('"b"') })
    await exec('ALTER TABLE @t RENAME COLUMN gone TO b')
    expect((await undo()).account?.figures).toEqual({ restored: 10, deleted: 10, kept: 0 })
    expect(await exec(`SELECT a, b, later FROM @t WHERE id = 91`)).toEqual([
      { a: 'old 91', b: 'kept 91', later: 'later' },
    ])
  })

  it('rejects a row that cannot be put back, and goes on with the others', async () => {
    await exec('ALTER TABLE @t ADD UNIQUE (a)')
    await load(records(91, 95), { onConflict: 'update' })
    await exec(`INSERT INTO @t (id, a) VALUES (1000, 'old 93')`)
    const report = await runBackfill({
      backfiller: postgresUndo({ ...state(), run: 'load' }),
      maxRejected: 1,
      deadLetters: `${process.env.TMPDIR ?? '/tmp'}/drover-${place.name}`,
    })
    expect(report.counts).toMatchObject({ updated: 4, rejected: 1 })
    expect(report.rejected[0]?.message).toMatch(/with the key \[93\] cannot be put back: .*old 93/)
    expect(report.account?.figures).toEqual({ restored: 4, deleted: 0, kept: 0 })
  })

  it('refuses a table without a key, and prunes what is old', async () => {
    await exec('CREATE TABLE @k (id int, a text)')
    const keyless = runPipeline({
      name: 'keyless',
      source: given([{ id: 1 }]),
      sink: sinkOf({ table: `${place.name}.k` }),
    })
    expect(await failure(keyless)).toMatchObject({ code: 'SINK_NOT_READY' })
    await load(records(101, 102))
    await exec(`UPDATE @drover_before_images SET kept_at = kept_at - interval '8 days'`)
    await runPipeline({
      name: 'next',
      source: given(records(103, 104)),
      sink: sinkOf({ undoDays: 7 }),
    })
    expect(await exec('SELECT sum(cardinality(keys))::int AS kept FROM @drover_before_images')).toEqual([{ kept: 2 }])
    expect(await failure(undo())).toMatchObject({ code: 'UNDO_IMPOSSIBLE' })
  })

  it('prunes a run as a whole', async () => {
    await load(records(101, 200))
    await exec(`UPDATE @drover_before_images SET kept_at = kept_at - interval '8 days'
      WHERE ordinal = (SELECT min(ordinal) FROM @drover_before_images)`)
    await runPipeline({ name: 'next', source: given(records(1000, 1001)), sink: sinkOf({ undoDays: 7 }) })
    expect((await undo()).account?.figures).toEqual({ restored: 0, deleted: 100, kept: 0 })
  })

  it('keeps what each of several partitions changed', async () => {
    const before = await whole()
    const source = memorySource<Row>({ records: records(1, 1000), key: 'id' })
    await runPipeline({ name: 'load', source, sink: sinkOf({ onConflict: 'update' }), parallel: 4, batchSize: 100 })
    expect((await undo()).account?.figures).toEqual({ restored: 100, deleted: 900, kept: 0 })
    expect(await whole()).toEqual(before)
  })
})
