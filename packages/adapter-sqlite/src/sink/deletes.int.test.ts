import {
  type Deletes,
  from,
  memorySink,
  memorySource,
  ndjsonSink,
  type PipelineOptions,
  type Row,
  runPipeline,
  startPipeline,
} from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSink } from './sqlite-sink.js'

describe.each(drivers)('rows whose records are gone, with %s', (driver) => {
  let database: TestDatabase
  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec(
      'CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, gone TEXT, flag BOOLEAN NOT NULL DEFAULT 0)',
    )
  })
  afterEach(() => database[Symbol.asyncDispose]())

  const people = (...ids: number[]): Row[] => ids.map((id) => ({ id, name: `n${id}` }))
  const count = (to: number) => people(...Array.from({ length: to }, (_, i) => i + 1))
  const options = (records: readonly Row[], deletes: Deletes, more: Partial<PipelineOptions<Row>> = {}) => ({
    name: 'copy',
    source: memorySource({ records, key: 'id' }),
    sink: sqliteSink<Row>({ filename: database.file, driver, table: 't', onConflict: 'update' }),
    again: 'full' as const,
    deletes,
    batchSize: 10,
    ...more,
  })
  const run = (records: readonly Row[], deletes: Deletes, more: Partial<PipelineOptions<Row>> = {}) =>
    runPipeline(options(records, deletes, more))
  const ids = async (where = 'true') =>
    (await database.exact(`SELECT id FROM t WHERE ${where} ORDER BY id`)).map(Number)
  const to = (last: number) => Array.from({ length: last }, (_, i) => i + 1)

  it('are deleted at the end of a second full run, and not of the first', async () => {
    await database.exec(`INSERT INTO t (id) VALUES (1000)`)
    expect(await run(count(50), 'propagate')).not.toHaveProperty('deletes')
    expect(await ids()).toEqual([...to(50), 1000])
    const report = await run(count(30), 'propagate')
    expect(report).toMatchObject({ status: 'completed', deletes: { rows: 21, kept: 0 }, warnings: [] })
    expect(report.counts).toMatchObject({ read: 30, written: 30, updated: 30 })
    expect(await ids()).toEqual(to(30))
    expect((await run(count(30), 'propagate')).deletes).toEqual({ rows: 0, kept: 0 })
  })

  it('stay until a run of the name has completed into the same table', async () => {
    await database.exec(
      'INSERT INTO t (id) VALUES (1000); CREATE TABLE u (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO u (id) VALUES (2000)',
    )
    await run(count(50), 'propagate', { stopAfter: { records: 20 } })
    await run(count(50), 'propagate', { version: '2', whenChanged: 'restart' })
    expect(await ids()).toEqual([...to(50), 1000])
    const sink = sqliteSink<Row>({ filename: database.file, driver, table: 'u', onConflict: 'update' })
    expect(await run(count(5), 'propagate', { sink })).not.toHaveProperty('deletes')
    expect((await run(count(4), 'propagate', { sink })).deletes).toEqual({ rows: 2, kept: 0 })
  })

  it('are marked, with the time of the run, and unmarked when they are back', async () => {
    await run(count(20), { mark: 'gone' })
    const report = await run(count(15), { mark: 'gone' })
    expect(report.deletes).toEqual({ rows: 5, kept: 0 })
    expect(await database.value('SELECT group_concat(DISTINCT gone) FROM t')).toBe(report.startedAt.toISOString())
    expect(await ids('gone IS NOT NULL')).toEqual([16, 17, 18, 19, 20])
    expect((await run(count(15), { mark: 'gone' })).deletes?.rows).toBe(0)
    expect(await database.value('SELECT group_concat(DISTINCT gone) FROM t')).toBe(report.startedAt.toISOString())
    expect((await run(people(...to(15), 17, 18), { mark: 'gone' })).deletes?.rows).toBe(2)
    expect(await ids('gone IS NOT NULL')).toEqual([16, 19, 20])
  })

  it('are marked in a boolean, too', async () => {
    await run(count(20), { mark: 'flag' })
    await run(count(15), { mark: 'flag' })
    expect(await ids('flag = 1')).toEqual([16, 17, 18, 19, 20])
    await run(count(20), { mark: 'flag' })
    expect(await ids('flag = 1')).toEqual([])
  })

  it('include those that a step leaves out now', async () => {
    await run(count(20), 'propagate')
    const odd = from<Row>(memorySource({ records: count(20), key: 'id' })).filter((row) => Number(row.id) % 2 === 1)
    const report = await run([], 'propagate', { source: odd })
    expect(report.deletes?.rows).toBe(10)
    expect(await ids()).toEqual(to(20).filter((id) => id % 2 === 1))
  })

  it('are none of keys that the table takes for the same, nor of columns that are spelt otherwise', async () => {
    await database.exec('CREATE TABLE mails (Mail TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER)')
    const sink = sqliteSink<Row>({ filename: database.file, driver, table: 'mails', onConflict: 'update' })
    const mails = (...all: string[]) => memorySource<Row>({ records: all.map((mail) => ({ mail, n: 1 })), key: 'mail' })
    await run([], 'propagate', { sink, source: mails('ann', 'bob', 'cyd') })
    const report = await run([], 'propagate', { sink, source: mails('Ann', 'bob') })
    expect(report.deletes).toEqual({ rows: 1, kept: 0 })
    expect(await database.value('SELECT group_concat(Mail) FROM mails')).toBe('ann,bob')
  })

  it('stay if the source gave nothing, unless that is said to be right', async () => {
    await run(count(20), 'propagate')
    const report = await run([], 'propagate')
    expect(report).toMatchObject({ status: 'completed', deletes: { rows: 0 }, warnings: [{ code: 'DELETES' }] })
    expect(await ids()).toEqual(to(20))
    const meant = await run([], { propagate: true, allowEmpty: true })
    expect(meant).toMatchObject({ deletes: { rows: 20 }, warnings: [] })
    expect(await ids()).toEqual([])
  })

  it('stay if no key is one that is there, or a record was rejected', async () => {
    await run(count(20), 'propagate')
    const failing = (row: Row): Row => {
      if (row.id === 3) throw new Error('no')
      return row
    }
    const source = from<Row>(memorySource({ records: count(10), key: 'id' })).pipe(failing)
    const report = await run([], 'propagate', { source, maxRejected: 1, deadLetters: `${database.folder}/letters` })
    expect(report.warnings).toContainEqual({ code: 'DELETES', message: expect.stringContaining('1 records of') })
    expect(await ids()).toEqual(to(20))
  })

  it('stay if nothing can be read of the source when it comes to them; the same call goes on there', async () => {
    await run(count(50), 'propagate')
    const records = count(30)
    const readable = memorySource({ records, key: 'id' })
    let reads = 0
    const once = {
      ...readable,
      connect: async (operation: Parameters<typeof readable.connect>[0]) => {
        if (++reads > 1) throw new Error('gone')
        return readable.connect(operation)
      },
    }
    await expect(run([], 'propagate', { source: once })).rejects.toThrow('gone')
    expect(await ids()).toEqual(to(50))
    const report = await run(records, 'propagate')
    expect(report).toMatchObject({ status: 'completed', deletes: { rows: 20 }, attempt: { counts: { read: 0 } } })
    expect(await ids()).toEqual(to(30))
  })

  it('are deleted in batches, of which each happens once whatever it is broken off by', async () => {
    await run(count(50), 'propagate')
    let last: unknown
    for (let calls = 0; calls < 20; calls++) {
      const controller = new AbortController()
      const live = startPipeline({ ...options(count(5), 'propagate'), signal: controller.signal })
      live.events.on('batch:committed', ({ partition }) => {
        if (partition === 'drover:deletes') controller.abort()
      })
      const report = await live.result
      last = report
      if (report.status === 'completed') break
    }
    expect(last).toMatchObject({ status: 'completed', deletes: { rows: 45 } })
    expect(await ids()).toEqual(to(5))
  })

  it('stay if others refer to them, as far as rejections are borne, and are no dead letters', async () => {
    await run(count(50), 'propagate')
    await database.exec(
      'CREATE TABLE r (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t (id)); INSERT INTO r VALUES (1, 47)',
    )
    await expect(run(count(30), 'propagate')).rejects.toMatchObject({
      code: 'RECORD_REJECTED',
      message: expect.stringContaining('[47]'),
    })
    const report = await run(count(30), 'propagate', { maxRejected: 1 })
    expect(report).toMatchObject({ status: 'completed', deletes: { rows: 19, kept: 1 }, counts: { rejected: 0 } })
    expect(report).not.toHaveProperty('deadLetters')
    expect(await ids()).toEqual([...to(30), 47])
  })

  it('are no matter of runs that read only what came since', async () => {
    const incremental = run(count(5), 'propagate', { again: 'incremental' })
    await expect(incremental).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining("'full'"),
    })
  })

  it('cannot be deleted by what is no table with a key', async () => {
    const invalid = (more: Partial<PipelineOptions<Row>>, deletes: unknown = 'propagate') =>
      expect(run(count(5), deletes as Deletes, more)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await invalid({ sink: memorySink({ key: 'id', onConflict: 'update' }) })
    await invalid({ sink: ndjsonSink({ path: `${database.folder}/out` }) })
    await invalid({ sink: sqliteSink({ filename: database.file, driver, table: 't' }) })
    for (const wrong of ['yes', {}, { mark: '' }, { mark: 'gone', propagate: true }, { propagate: true, empty: true }])
      await invalid({}, wrong)
    await run(count(5), { mark: 'nobody' })
    await expect(run(count(5), { mark: 'nobody' })).rejects.toMatchObject({
      code: expect.stringMatching(/NAME_UNKNOWN|SINK_NOT_READY/),
    })
  })
})
