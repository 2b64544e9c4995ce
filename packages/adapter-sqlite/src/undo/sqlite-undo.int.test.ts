import { from, memorySink, memorySource, omit, type Row, runBackfill, runPipeline, startPipeline } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SqliteBackfillOptions, sqliteBackfill } from '../backfill/sqlite-backfill.js'
import { sqliteUpdateSink } from '../backfill/sqlite-update-sink.js'
import { type SqliteSinkOptions, sqliteSink } from '../sink/sqlite-sink.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure } from '../testing/test-lane.js'
import { sqliteUndo } from './sqlite-undo.js'

describe.each(drivers)('sqliteUndo over %s', (driver) => {
  let database: TestDatabase

  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT, token_count INTEGER NOT NULL DEFAULT 0, note);
      WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 434)
      INSERT INTO messages (id, content, note) SELECT i, 'message ' || i, CASE i % 4 WHEN 0 THEN 1.0 WHEN 1 THEN 1 WHEN 2 THEN x'00' END FROM n;
      CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER GENERATED ALWAYS AS (length(a)));
      INSERT INTO t (id, a, b) SELECT id, 'old ' || id, 'kept ' || id FROM messages WHERE id <= 100;
    `)
  })
  afterEach(() => database[Symbol.asyncDispose]())

  /** With types: 1 and 1.0 are two values. */
  const whole = async (table: string): Promise<unknown> => {
    const names = (await database.exact(`SELECT name FROM pragma_table_info('${table}')`)).map(([name]) => String(name))
    return await database.exact(
      `SELECT ${names.map((name, i) => `typeof("${name}") || quote("${name}") AS c${i}`).join(', ')} FROM ${table} ORDER BY 1, 2`,
    )
  }
  const state = () => ({ filename: database.file, driver })
  const undo = (run: string) => runBackfill({ backfiller: sqliteUndo({ ...state(), run, batchSize: 100 }) })

  function tokens(options: Partial<SqliteBackfillOptions> = {}) {
    return sqliteBackfill({
      name: 'tokens',
      ...state(),
      table: 'messages',
      reads: ['content'],
      sets: ['token_count', 'note'],
      set: ({ content }) => ({ token_count: String(content).length, note: 'set' }),
      batchSize: 100,
      undo: true,
      ...options,
    })
  }

  const records = (first: number, last: number, a = 'new'): Row[] =>
    Array.from({ length: last - first + 1 }, (_, i) => ({ id: first + i, a: `${a} ${first + i}` }))
  /** Also rows of one key. */
  const given = (rows: readonly Row[]) =>
    from(memorySource<Row>({ records: rows.map((row, nr) => ({ nr, ...row })), key: 'nr' })).pipe(omit(['nr']))
  const load = (rows: Row[], options: Partial<SqliteSinkOptions> = {}) =>
    runPipeline({
      name: 'load',
      source: given(rows),
      sink: sqliteSink({ ...state(), table: 't', undo: true, ...options }),
      batchSize: 40,
    })

  it.each<readonly [string, Partial<SqliteBackfillOptions>]>([
    ['a function', {}],
    ['a function that answers later', { set: async () => ({ note: 5 }) }],
    [
      'a function that sets other columns of each row',
      { set: ({ id }) => (Number(id) % 2 ? { note: 'x' } : { token_count: 7 }) },
    ],
    ['SQL', { reads: [], set: { token_count: 'length(content)', note: `'n'` } }],
    ['a filter that SQL cannot repeat', { where: { content: { like: '_%' } } }],
  ])('gives all rows back what they were: %s', async (_, options) => {
    const before = await whole('messages')
    await runBackfill({ backfiller: tokens(options) })
    expect(await whole('messages')).not.toEqual(before)
    const report = await undo('tokens')
    expect(report.counts).toMatchObject({ read: 434, updated: 434, skipped: 0, rejected: 0 })
    expect(report.account).toEqual({ figures: { restored: 434, deleted: 0, kept: 0 }, kept: [] })
    expect(await whole('messages')).toEqual(before)
  })

  it('keeps rows that the application changed or deleted since, and names them', async () => {
    await runBackfill({ backfiller: tokens() })
    await database.exec(`UPDATE messages SET token_count = -1 WHERE id IN (5, 400); DELETE FROM messages WHERE id = 7;
      UPDATE messages SET content = 'edited' WHERE id = 9; UPDATE messages SET note = 'SET' WHERE id = 11`)
    const { account, counts } = await undo('tokens')
    expect(counts).toMatchObject({ read: 434, updated: 430, skipped: 4 })
    expect(account?.figures).toEqual({ restored: 430, deleted: 0, kept: 4 })
    expect(account?.kept).toEqual([
      { key: [400], reason: 'was changed since' },
      { key: [11], reason: 'was changed since' },
      { key: [7], reason: 'was deleted since' },
      { key: [5], reason: 'was changed since' },
    ])
    // What the run did not set is not compared, and stays.
    expect(
      await database.exact('SELECT content, token_count, note FROM messages WHERE id IN (5, 9) ORDER BY id'),
    ).toEqual([
      ['message 5', -1n, 'set'],
      ['edited', 0n, 1n],
    ])
  })

  it('is done once, and says so; an undo cannot be undone', async () => {
    await runBackfill({ backfiller: tokens() })
    const { run } = await undo('tokens')
    expect(await failure(undo('tokens'))).toMatchObject({
      code: 'UNDO_IMPOSSIBLE',
      message: expect.stringContaining('was undone already, at '),
    })
    expect((await failure(undo(run))).message).toContain('an undo cannot be undone')
  })

  it('is impossible without before-images, and the nearest names are said', async () => {
    expect((await failure(undo('tokens'))).message).toContain('nothing here has kept before-images')
    const first = await runBackfill({ backfiller: tokens({ name: 'others' }) })
    await runBackfill({ backfiller: tokens({ undo: false }) })
    expect(await failure(undo('tokens'))).toMatchObject({ code: 'UNDO_IMPOSSIBLE' })
    expect((await failure(undo('other'))).message).toContain('"others"')
    await runBackfill({ backfiller: tokens({ name: 'others', where: '0' }) })
    expect((await failure(undo('others'))).message).toContain(first.run)
  })

  it('goes on where it was stopped, though a newer run of the name came in between', async () => {
    const before = await whole('messages')
    await runBackfill({ backfiller: tokens() })
    const backfiller = sqliteUndo({ ...state(), run: 'tokens', batchSize: 100 })
    expect((await runBackfill({ backfiller, stopAfter: { records: 200 } })).status).toBe('stopped')
    await runBackfill({ backfiller: tokens({ where: '0' }) })
    expect(await runBackfill({ backfiller })).toMatchObject({
      status: 'completed',
      counts: { read: 434, updated: 434 },
    })
    expect(await whole('messages')).toEqual(before)
  })

  it('ends what it undid: a run that was stopped half-way begins anew, and does not go on behind what is gone', async () => {
    await runBackfill({ backfiller: tokens(), stopAfter: { records: 200 } })
    await undo('tokens')
    expect(await failure(runBackfill({ backfiller: tokens() }))).toMatchObject({ code: 'RUN_UNDONE' })
    const report = await runBackfill({ backfiller: tokens({ version: '2' }), whenChanged: 'restart' })
    expect(report.counts).toMatchObject({ read: 434, updated: 434 })
  })

  it('leaves nothing of batches that were only tried, or that failed', async () => {
    await database.exec(
      `CREATE TRIGGER refused BEFORE UPDATE ON messages WHEN NEW.id = 300 BEGIN SELECT RAISE(ABORT, 'no'); END`,
    )
    const before = await whole('messages')
    const report = await runBackfill({
      backfiller: tokens({ batchSize: 350 }),
      maxRejected: 1,
      deadLetters: memorySink<Row>(),
    })
    expect(report.counts).toMatchObject({ updated: 433, rejected: 1 })
    expect(await database.value('SELECT count(*) AS n FROM drover_before_images')).toBe(433)
    expect((await undo('tokens')).counts).toMatchObject({ updated: 433 })
    expect(await whole('messages')).toEqual(before)
  })

  it.each([
    ['error', records(101, 250), { restored: 0, deleted: 150, kept: 0 }],
    ['skip', records(51, 150), { restored: 0, deleted: 50, kept: 0 }],
    ['update', records(51, 150), { restored: 50, deleted: 50, kept: 0 }],
    [{ merge: ['a'] }, records(51, 150), { restored: 50, deleted: 50, kept: 0 }],
  ] as const)('takes back what a sink with onConflict %j wrote', async (onConflict, rows, figures) => {
    const before = await whole('t')
    await load([...rows], { onConflict })
    expect(await whole('t')).not.toEqual(before)
    expect((await undo('load')).account).toEqual({ figures, kept: [] })
    expect(await whole('t')).toEqual(before)
  })

  it('empties a table that the run created from another one', async () => {
    const source = sqliteSource({ ...state(), table: 'messages' })
    const sink = sqliteSink({ ...state(), table: 'made', undo: true })
    await runPipeline({ name: 'load', source, sink })
    expect((await undo('load')).account?.figures).toEqual({ restored: 0, deleted: 434, kept: 0 })
    expect(await whole('made')).toEqual([])
  })

  it('gives back what was there before the first of several writes of a row', async () => {
    const before = await whole('t')
    // Within a batch, and in several.
    await load(
      ['one', 'one', 'two', 'three'].flatMap((a) => records(91, 110, a)),
      { onConflict: 'update' },
    )
    const report = await undo('load')
    expect(report.counts.read).toBe(20)
    expect(report.account?.figures).toEqual({ restored: 10, deleted: 10, kept: 0 })
    expect(await whole('t')).toEqual(before)
  })

  it('keeps what the application changed, deleted or refers to, in any column', async () => {
    await database.exec('CREATE TABLE r (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t ON DELETE CASCADE)')
    await load(records(91, 110), { onConflict: 'update' })
    await database.exec(
      `UPDATE t SET b = 'theirs' WHERE id IN (95, 105); DELETE FROM t WHERE id = 96; INSERT INTO r VALUES (1, 107)`,
    )
    const { account, counts } = await undo('load')
    expect(counts).toMatchObject({ read: 20, updated: 16, skipped: 4 })
    expect(account?.kept.toSorted((x, y) => Number(x.key[0]) - Number(y.key[0]))).toEqual([
      { key: [95], reason: 'was changed since' },
      { key: [96], reason: 'was deleted since' },
      { key: [105], reason: 'was changed since' },
      { key: [107], reason: 'was inserted by the run, but rows of "r" refer to it' },
    ])
    expect(await database.value('SELECT count(*) AS n FROM r')).toBe(1)
  })

  it('deletes rows of a tree that refer to each other', async () => {
    await database.exec('CREATE TABLE tree (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES tree)')
    const rows = Array.from({ length: 300 }, (_, i) => ({ id: i + 1, parent: i === 0 ? null : Math.ceil(i / 2) }))
    await load(rows, { table: 'tree' })
    expect((await undo('load')).account?.figures).toEqual({ restored: 0, deleted: 300, kept: 0 })
  })

  it('keeps every value as it is: its storage class, its bytes, its key of several columns', async () => {
    await database.exec(`
      CREATE TABLE v (k TEXT COLLATE NOCASE, n, any, r REAL, i INTEGER, t TEXT, PRIMARY KEY (k, n)) WITHOUT ROWID;
      INSERT INTO v VALUES ('a', 1, 9223372036854775807, 1e308, -9223372036854775808, CAST(x'ff00fe' AS TEXT)),
        ('b', 'x', 2.0, 0.1, 'no integer', 'a' || char(0) || 'b'), ('c', x'01', x'', 1e-320, NULL, ''), ('d', 2.5, '2', NULL, 7, char(128512))`)
    const before = await whole('v')
    const hex = `SELECT hex(t) AS t FROM v ORDER BY k`
    const bytes = await database.exact(hex)
    const rows = [
      ['A', 1n],
      ['B', 'x'],
      ['C', new Uint8Array([1])],
      ['D', 2.5],
    ].map(([k, n]) => ({ k, n, any: 'o', r: 1.5, i: 1, t: 'o' }))
    await load(rows, { table: 'v', onConflict: 'update' })
    expect(await database.value(`SELECT count(*) AS n FROM v WHERE "any" = 'o'`)).toBe(4)
    expect((await undo('load')).account?.figures).toEqual({ restored: 4, deleted: 0, kept: 0 })
    expect(await whole('v')).toEqual(before)
    expect(await database.exact(hex)).toEqual(bytes)
  })

  it('takes back what an update sink set, with what triggers made of it', async () => {
    await database.exec(`
      ALTER TABLE t ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
      CREATE TRIGGER touch AFTER UPDATE OF a ON t WHEN NEW.a LIKE 'new%' BEGIN UPDATE t SET touched = touched + 1 WHERE id = NEW.id; END`)
    const before = await whole('t')
    const sink = sqliteUpdateSink<Row>({ ...state(), table: 't', sets: ['a'], undo: true })
    await runPipeline({
      name: 'load',
      source: given([...records(1, 100), ...records(90, 95, 'newer')]),
      sink,
      batchSize: 40,
    })
    expect(await database.value('SELECT count(*) AS n FROM t WHERE touched > 0')).toBe(100)
    expect((await undo('load')).account?.figures).toEqual({ restored: 100, deleted: 0, kept: 0 })
    expect(await whole('t')).toEqual(before)
  })

  it('restores what there is where a column was added, and says which one is gone', async () => {
    await load(records(91, 110), { onConflict: 'update' })
    await database.exec(`ALTER TABLE t ADD COLUMN later TEXT DEFAULT 'later'; ALTER TABLE t RENAME COLUMN b TO gone`)
    expect(await failure(undo('load'))).toMatchObject({
      code: 'UNDO_IMPOSSIBLE',
      message: expect.stringContaining('"b"'),
    })
    await database.exec('ALTER TABLE t RENAME COLUMN gone TO b')
    expect((await undo('load')).account?.figures).toEqual({ restored: 10, deleted: 10, kept: 0 })
    expect(await database.exact('SELECT a, b, later FROM t WHERE id = 91')).toEqual([['old 91', 'kept 91', 'later']])
  })

  it('rejects a row that cannot be put back, and goes on with the others', async () => {
    await database.exec('CREATE UNIQUE INDEX one ON t (a)')
    await load(records(91, 95), { onConflict: 'update' })
    await database.exec(`INSERT INTO t (id, a) VALUES (1000, 'old 93')`)
    const backfiller = sqliteUndo({ ...state(), run: 'load' })
    const report = await runBackfill({ backfiller, maxRejected: 1, deadLetters: memorySink<Row>() })
    expect(report.counts).toMatchObject({ updated: 4, rejected: 1 })
    expect(report.rejected[0]?.key).toEqual([93])
    expect(report.account?.figures).toEqual({ restored: 4, deleted: 0, kept: 0 })
  })

  it('is impossible where a key has several rows since', async () => {
    await load(records(91, 92), { onConflict: 'update' })
    await database.exec('CREATE TABLE s AS SELECT * FROM t; DROP TABLE t; ALTER TABLE s RENAME TO t')
    await database.exec('INSERT INTO t SELECT * FROM t WHERE id = 91')
    expect(await failure(undo('load'))).toMatchObject({ code: 'UNDO_IMPOSSIBLE' })
  })

  it('prunes nothing of a run that is under way, nor of one that went on since', async () => {
    const keeping = (sink: string) => sqliteSink({ ...state(), table: sink, undo: true, undoDays: 7 })
    await database.exec('CREATE TABLE others (id INTEGER PRIMARY KEY, a TEXT)')
    const age = () => database.exec('UPDATE drover_before_shapes SET kept_at = kept_at - 8 * 86400000')
    const others = () => runPipeline({ name: 'others', source: given([]), sink: keeping('others'), again: 'full' })
    const options = { name: 'load', source: given(records(101, 120)), sink: keeping('t'), batchSize: 5 }
    const live = startPipeline(options)
    await new Promise<void>((resolve) => live.events.once('batch:committed', () => resolve()))
    live.pause()
    await age()
    await others()
    await live.stop()
    await age()
    await runPipeline(options)
    await others()
    expect((await undo('load')).account?.figures).toEqual({ restored: 0, deleted: 20, kept: 0 })
  })

  it('keeps what a trigger leaves as it is, and puts the others back', async () => {
    await load(records(91, 110), { onConflict: 'update' })
    await database.exec(`CREATE TRIGGER u BEFORE UPDATE ON t WHEN old.id = 95 BEGIN SELECT RAISE(IGNORE); END;
      CREATE TRIGGER d BEFORE DELETE ON t WHEN old.id = 105 BEGIN SELECT RAISE(IGNORE); END`)
    const { account } = await undo('load')
    expect(account?.figures).toEqual({ restored: 9, deleted: 9, kept: 2 })
    expect(account?.kept).toEqual([105, 95].map((id) => ({ key: [id], reason: 'is left as it is by a trigger' })))
  })

  it('prunes what is old', async () => {
    await load(records(101, 102))
    await database.exec('UPDATE drover_before_shapes SET kept_at = kept_at - 8 * 86400000')
    const sink = sqliteSink({ ...state(), table: 't', undo: true, undoDays: 7 })
    await runPipeline({ name: 'next', source: given(records(103, 104)), sink })
    expect(await database.value('SELECT count(*) AS n FROM drover_before_images')).toBe(2)
    expect(await failure(undo('load'))).toMatchObject({ code: 'UNDO_IMPOSSIBLE' })
  })
})
