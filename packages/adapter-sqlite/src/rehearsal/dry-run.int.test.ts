import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dryRun, from, type PipelineOptions } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteBackfill } from '../backfill/sqlite-backfill.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'

describe.each(drivers)('a dry run, with %s', (driver) => {
  let source: TestDatabase
  let target: TestDatabase
  beforeEach(() => {
    source = new TestDatabase(driver, 'source.db')
    target = new TestDatabase(driver, 'target.db')
  })
  afterEach(async () => {
    await source[Symbol.asyncDispose]()
    await target[Symbol.asyncDispose]()
  })

  const rows = (count: number): string =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO messages SELECT i, 'message ' || i, 0 FROM n`
  const table = 'CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT NOT NULL, tokens INTEGER)'

  const pipeline = (options: { onConflict?: 'update' } = {}): PipelineOptions<object> => ({
    name: 'dry-run-of-a-copy',
    source: sqliteSource({ filename: source.file, table: 'messages', driver }),
    sink: sqliteSink({ filename: target.file, table: 'messages', driver, ...options }),
  })

  describe.each(['wal', 'delete'])('in %s mode', (mode) => {
    beforeEach(async () => {
      await source.exec(`PRAGMA journal_mode = ${mode}; ${table}; ${rows(1200)}`)
      await target.exec(`PRAGMA journal_mode = ${mode}; ${table}; INSERT INTO messages VALUES (100000, 'there', 1)`)
    })

    it('leaves every file of both databases as it was', async () => {
      const before = [filesOf(source.folder), filesOf(target.folder)]
      const { problems, forecast, creates } = await dryRun(pipeline())
      expect(problems).toEqual([])
      expect(forecast).toMatchObject({ includesWriting: true })
      expect(creates).toEqual(['table "drover_meta"', 'table "drover_runs"', 'table "drover_partitions"'])
      expect([filesOf(source.folder), filesOf(target.folder)]).toEqual(before)
      const kept = existsSync('.drover') ? readdirSync('.drover', { recursive: true }) : []
      expect(kept.filter((name) => String(name).includes('dry-run-of-a-copy'))).toEqual([])
    })

    it('of a run with undo names what keeps images too, and a table in which no row would be found again', async () => {
      const kept = (to: string) => sqliteSink({ filename: target.file, table: to, driver, undo: true })
      const before = filesOf(target.folder)
      const { problems, creates } = await dryRun({ ...pipeline(), sink: kept('messages') })
      expect(problems).toEqual([])
      expect(creates.slice(3)).toEqual(['table "drover_before_images"', 'table "drover_before_shapes"'])
      expect(filesOf(target.folder)).toEqual(before)
      await target.exec('CREATE TABLE w (id, text, tokens, rowid, oid, _rowid_)')
      expect((await dryRun({ ...pipeline(), sink: kept('w') })).problems).toMatchObject([{ code: 'SINK_NOT_READY' }])
    })

    it('leaves them as they were while the application has them open, with what it has not checkpointed', async () => {
      const open: SqliteConnection[] = []
      for (const database of [source, target]) {
        const connection = await database.open()
        open.push(connection)
        await connection.exec(`INSERT INTO messages VALUES (200000, 'new', 1)`)
      }
      const before = [filesOf(source.folder), filesOf(target.folder)]
      if (mode === 'wal') expect(before[0]?.['source.db-wal']?.length).toBeGreaterThan(0)
      expect((await dryRun(pipeline({ onConflict: 'update' }))).problems).toEqual([])
      expect([filesOf(source.folder), filesOf(target.folder)]).toEqual(before)
      for (const connection of open) await connection[Symbol.asyncDispose]()
    })

    it('leaves the log that a crash has left', async () => {
      const crashed = join(target.folder, 'crashed')
      mkdirSync(crashed)
      const connection = await target.open()
      await connection.exec(`INSERT INTO messages VALUES (200000, 'new', 1)`)
      for (const file of readdirSync(target.folder).filter(
        (name) => name.startsWith('target.db') && !name.endsWith('shm'),
      ))
        cpSync(join(target.folder, file), join(crashed, file))
      await connection[Symbol.asyncDispose]()
      const before = filesOf(crashed)
      const sink = sqliteSink({ filename: join(crashed, 'target.db'), table: 'messages', driver })
      expect((await dryRun({ ...pipeline(), sink })).problems).toEqual([])
      expect(filesOf(crashed)).toEqual(before)
    })

    it('tries a backfill, and leaves the rows as they are', async () => {
      const before = filesOf(source.folder)
      const backfiller = sqliteBackfill({
        name: 'tokens',
        filename: source.file,
        driver,
        table: 'messages',
        where: { tokens: { eq: 0 } },
        reads: ['text'],
        sets: ['tokens'],
        set: (row) => ({ tokens: String(row.text).length }),
      })
      const report = await dryRun({ backfiller })
      expect(report).toMatchObject({ problems: [], count: { value: 1200, exact: true } })
      expect(report.forecast).toMatchObject({ includesWriting: true })
      expect(filesOf(source.folder)).toEqual(before)
    })
  })

  it('names a database and a table that are not there, and creates neither', async () => {
    await source.exec(`${table}; ${rows(100)}`)
    const { creates, problems } = await dryRun(pipeline())
    expect(problems).toEqual([])
    expect(creates.slice(0, 2)).toEqual([`database "${target.file}"`, 'table "messages"'])
    expect(readdirSync(target.folder)).toEqual([])
  })

  it('names what a run would fail with', async () => {
    await source.exec(`${table}; ${rows(100)}`)
    await target.exec(`${table}; INSERT INTO messages VALUES (1, 'there', 1)`)
    expect((await dryRun(pipeline())).problems).toEqual([
      { code: 'RECORD_REFUSED', message: expect.stringContaining('UNIQUE constraint failed: messages.id') },
    ])
    const nowhere = sqliteSink({ filename: join(target.folder, 'nowhere', 'x.db'), table: 'messages', driver })
    expect((await dryRun({ ...pipeline(), sink: nowhere })).problems).toEqual([
      { code: 'SOURCE_NOT_FOUND', message: expect.stringContaining('there is no folder') },
    ])
    const missing = { ...pipeline(), source: sqliteSource({ filename: source.file, table: 'mesages', driver }) }
    expect((await dryRun(missing)).problems).toEqual([
      { code: 'SOURCE_NOT_FOUND', message: expect.stringContaining('did you mean "messages"') },
    ])
  })

  it('lists what a column would lose', async () => {
    await source.exec(`${table}; ${rows(100)}`)
    await target.exec('CREATE TABLE messages (id INTEGER PRIMARY KEY, text BLOB, tokens INTEGER)')
    await target.exec(
      'DROP TABLE messages; CREATE TABLE messages (id INTEGER PRIMARY KEY, text INTEGER, tokens INTEGER)',
    )
    const { fidelity, problems } = await dryRun(pipeline())
    expect(fidelity).toEqual([expect.objectContaining({ field: 'text' })])
    expect(problems).toEqual([])
  })

  it('shows a sample from all over the table, before and after', async () => {
    await source.exec(`${table}; ${rows(10_000)}`)
    const flow = from(sqliteSource({ filename: source.file, table: 'messages', driver })).pipe((row) => ({
      ...row,
      tokens: 7,
    }))
    const { sample } = await dryRun({ ...pipeline(), source: flow }, { sample: 5 })
    expect(sample.map(({ before, after }) => [before.tokens, after[0]?.tokens])).toEqual(Array(5).fill([0, 7]))
    const ids = sample.map(({ key }) => Number(key[0]))
    expect(Math.max(...ids) - Math.min(...ids)).toBeGreaterThan(5000)
  })
})

/** All but the index of a log, which holds the locks of those who read. */
function filesOf(folder: string): Readonly<Record<string, Buffer>> {
  const names = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.endsWith('-shm'),
  )
  return Object.fromEntries(names.map(({ name }) => [name, readFileSync(join(folder, name))]))
}
