import { memorySink, type Row, runBackfill, startBackfill } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type PostgresBackfillOptions, postgresBackfill } from '../backfill/postgres-backfill.js'
import { failure } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresUndo } from './postgres-undo.js'

describePostgres('undo of a postgresBackfill', () => {
  const database = useDatabase()
  let place: TestSchema

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await exec(`
      CREATE TABLE @messages (id bigint PRIMARY KEY, content text, token_count int NOT NULL DEFAULT 0, note text);
      INSERT INTO @messages (id, content, note) SELECT i, 'message ' || i, CASE WHEN i % 3 = 0 THEN 'ü, "q" \\ (' END FROM generate_series(1, 434) AS i`)
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const exec = (sql: string) => database.query(sql.replaceAll('@', `${place.name}.`))
  const whole = (table = 'messages') => exec(`SELECT t::text AS row FROM @${table} AS t ORDER BY 1`)
  const state = () => ({ connection: database.url, stateSchema: place.name })
  const undo = (run = 'tokens') => postgresUndo({ ...state(), run, batchSize: 100 })

  function tokens(options: Partial<PostgresBackfillOptions> = {}) {
    return postgresBackfill({
      name: 'tokens',
      ...state(),
      table: `${place.name}.messages`,
      reads: ['content'],
      sets: ['token_count', 'note'],
      set: ({ content }) => ({ token_count: String(content).length, note: null }),
      batchSize: 100,
      undo: true,
      ...options,
    })
  }

  it.each<readonly [string, Partial<PostgresBackfillOptions>]>([
    ['a function', {}],
    [
      'a function that sets other columns of each row',
      { set: ({ id }) => (Number(id) % 2 ? { note: 'x' } : { token_count: 7 }) },
    ],
    ['a function that skips what is locked', { skipLocked: true }],
    ['SQL', { reads: [], set: { token_count: 'length(content)', note: `'n'` } }],
    ['a filter that SQL cannot repeat', { where: { content: { ne: '2020-01-01' } } }],
  ])('gives all rows back what they were: %s', async (_, options) => {
    const before = await whole()
    await runBackfill({ backfiller: tokens(options) })
    expect(await whole()).not.toEqual(before)
    const report = await runBackfill({ backfiller: undo() })
    expect(report.counts).toMatchObject({ read: 434, updated: 434, skipped: 0, rejected: 0 })
    expect(report.account).toEqual({ figures: { restored: 434, deleted: 0, kept: 0 }, kept: [] })
    expect(await whole()).toEqual(before)
  })

  it('keeps rows that the application changed or deleted since, and names them', async () => {
    const before = await whole()
    await runBackfill({ backfiller: tokens() })
    await exec(`UPDATE @messages SET token_count = -1 WHERE id IN (5, 400); DELETE FROM @messages WHERE id = 7;
      UPDATE @messages SET content = 'edited' WHERE id = 9`)
    const { account, counts } = await runBackfill({ backfiller: undo() })
    expect(counts).toMatchObject({ read: 434, updated: 431, skipped: 3 })
    expect(account?.figures).toEqual({ restored: 431, deleted: 0, kept: 3 })
    expect(account?.kept.toSorted((a, b) => Number(a.key[0]) - Number(b.key[0]))).toEqual([
      { key: [5], reason: 'was changed since' },
      { key: [7], reason: 'was deleted since' },
      { key: [400], reason: 'was changed since' },
    ])
    // What the run did not set is not compared, and stays.
    expect(await exec(`SELECT id::int, content, token_count FROM @messages WHERE id IN (5, 9) ORDER BY id`)).toEqual([
      { id: 5, content: 'message 5', token_count: -1 },
      { id: 9, content: 'edited', token_count: 0 },
    ])
    expect((await whole()).length).toBe(before.length - 1)
  })

  it('is done once, and says so', async () => {
    await runBackfill({ backfiller: tokens() })
    const { run } = await runBackfill({ backfiller: undo() })
    expect(await failure(runBackfill({ backfiller: undo() }))).toMatchObject({
      code: 'UNDO_IMPOSSIBLE',
      message: expect.stringContaining('was undone already, at '),
    })
    expect(await failure(runBackfill({ backfiller: undo(run) }))).toMatchObject({
      code: 'UNDO_IMPOSSIBLE',
      message: expect.stringContaining('an undo cannot be undone'),
    })
  })

  it('is impossible without before-images, and the nearest names are said', async () => {
    expect((await failure(runBackfill({ backfiller: undo() }))).message).toContain(
      'nothing here has kept before-images',
    )
    const first = await runBackfill({ backfiller: tokens({ name: 'others' }) })
    await runBackfill({ backfiller: tokens({ undo: false }) })
    expect(await failure(runBackfill({ backfiller: undo() }))).toMatchObject({ code: 'UNDO_IMPOSSIBLE' })
    expect((await failure(runBackfill({ backfiller: undo('other') }))).message).toContain('"others"')
    await runBackfill({ backfiller: tokens({ name: 'others', where: 'false' }) })
    expect((await failure(runBackfill({ backfiller: undo('others') }))).message).toContain(first.run)
  })

  it('takes the run of that id, and rows as they were before it', async () => {
    const ones = tokens({ set: () => ({ token_count: 1, note: 'one' }) })
    const first = await runBackfill({ backfiller: ones })
    const between = await whole()
    const second = await runBackfill({ backfiller: tokens({ set: () => ({ token_count: 2, note: 'two' }) }) })
    expect((await runBackfill({ backfiller: undo(first.run) })).account?.figures.kept).toBe(434)
    await runBackfill({ backfiller: undo(second.run) })
    expect(await whole()).toEqual(between)
  })

  it('goes on where it was stopped, though a newer run of the name came in between', async () => {
    const before = await whole()
    await runBackfill({ backfiller: tokens() })
    const stopped = await runBackfill({ backfiller: undo(), stopAfter: { records: 200 } })
    expect(stopped.status).toBe('stopped')
    await runBackfill({ backfiller: tokens({ where: 'false' }) })
    const report = await runBackfill({ backfiller: undo() })
    expect(report).toMatchObject({ status: 'completed', counts: { read: 434, updated: 434 } })
    expect(await whole()).toEqual(before)
  })

  it('ends what it undid: a run that was stopped half-way begins anew, and does not go on behind what is gone', async () => {
    await runBackfill({ backfiller: tokens(), stopAfter: { records: 200 } })
    await runBackfill({ backfiller: undo() })
    expect(await failure(runBackfill({ backfiller: tokens() }))).toMatchObject({ code: 'RUN_UNDONE' })
    const report = await runBackfill({ backfiller: tokens({ version: '2' }), whenChanged: 'restart' })
    expect(report.counts).toMatchObject({ read: 434, updated: 434 })
  })

  it('keeps what the application wrote in the very moment of the update', async () => {
    const held = new pg.Client(database.url)
    await held.connect()
    await held.query(`BEGIN; UPDATE ${place.name}.messages SET note = 'theirs' WHERE id = 50`)
    const run = runBackfill({ backfiller: tokens() })
    const waiting = `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted`
    while ((await held.query(waiting)).rows[0].n === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await held.query('COMMIT')
    await held.end()
    expect((await run).counts).toMatchObject({ updated: 434, skipped: 0 })
    await runBackfill({ backfiller: undo() })
    expect(await exec('SELECT note, token_count FROM @messages WHERE id = 50')).toEqual([
      { note: 'theirs', token_count: 0 },
    ])
  })

  it('waits for nobody who is still at work', async () => {
    const live = startBackfill({ backfiller: tokens({ batchSize: 10 }), recordsPerSecond: 100 })
    await new Promise<void>((resolve) => live.events.on('batch:committed', () => resolve()))
    expect(await failure(runBackfill({ backfiller: undo() }))).toMatchObject({ code: 'RUN_HELD' })
    await live.stop()
  })

  it('leaves nothing of batches that were only tried, or that failed', async () => {
    await exec('ALTER TABLE @messages ADD CHECK (token_count <> 11 OR id <> 300)')
    const before = await whole()
    const deadLetters = memorySink<Row>()
    const report = await runBackfill({ backfiller: tokens({ batchSize: 350 }), maxRejected: 1, deadLetters })
    expect(report.counts).toMatchObject({ updated: 433, rejected: 1 })
    expect(await exec('SELECT sum(cardinality(keys))::int AS kept FROM @drover_before_images')).toEqual([{ kept: 433 }])
    expect((await runBackfill({ backfiller: undo() })).counts).toMatchObject({ updated: 433 })
    expect(await whole()).toEqual(before)
  })
})
