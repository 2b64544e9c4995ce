import { type Deletes, memorySource, type PipelineOptions, type Row, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { TestSchema } from '../testing/test-schema.js'
import { type PostgresSinkOptions, postgresSink } from './postgres-sink.js'

describePostgres('rows whose records are gone', () => {
  const database = useDatabase()
  let place: TestSchema
  beforeEach(async () => {
    place = await TestSchema.create(database)
    await exec(
      `CREATE TABLE @t (tenant text, id bigint, name text, gone timestamptz, flag boolean NOT NULL DEFAULT false, PRIMARY KEY (tenant, id))`,
    )
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const exec = (sql: string) => database.query(sql.replaceAll('@', `${place.name}.`))
  const to = (last: number) => Array.from({ length: last }, (_, i) => i + 1)
  const count = (last: number): Row[] => to(last).map((id) => ({ tenant: `a${id % 2}`, id, name: `n${id}` }))
  const run = (
    records: readonly Row[],
    deletes: Deletes,
    more: Partial<PipelineOptions<Row>> = {},
    sink: Partial<PostgresSinkOptions> = {},
  ) =>
    runPipeline({
      name: 'copy',
      source: memorySource({ records, key: 'id' }),
      sink: postgresSink<Row>({
        connection: database.url,
        stateSchema: place.name,
        table: `${place.name}.t`,
        onConflict: 'update',
        ...sink,
      }),
      again: 'full',
      deletes,
      batchSize: 10,
      ...more,
    })
  const ids = async (where = 'true') =>
    (await exec(`SELECT id::int AS id FROM @t WHERE ${where} ORDER BY id`)).map(({ id }) => id)

  it('are deleted by a key of several columns, exactly those', async () => {
    await run(count(50), 'propagate')
    // Another tenant's row of the same number is another row.
    const moved = count(30).map((row) => (row.id === 7 ? { ...row, tenant: 'b' } : row))
    const report = await run(moved, 'propagate')
    expect(report).toMatchObject({ status: 'completed', deletes: { rows: 21, kept: 0 }, counts: { read: 30 } })
    expect(await ids()).toEqual(to(30))
    expect(await exec(`SELECT tenant FROM @t WHERE id = 7`)).toEqual([{ tenant: 'b' }])
  })

  it.each([
    ['uuid', ['{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'], 1],
    ['text COLLATE @same', ['Ann', 'bob'], 1],
    ['time', ['12:00', '13:00:00'], 0],
    ['inet', ['10.0.0.1/32', '10.0.0.2'], 0],
  ])('are none of keys of type %s that are stored in another form', async (type, keys, gone) => {
    await exec(
      `CREATE COLLATION @same (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE @k (k ${type} PRIMARY KEY)`,
    )
    const first = type === 'time' ? '14:00' : type === 'inet' ? '::1' : type === 'uuid' ? crypto.randomUUID() : 'cyd'
    const copy = (all: readonly string[]) =>
      run(
        [],
        'propagate',
        { source: memorySource({ records: all.map((k) => ({ k })), key: 'k' }) },
        { table: `${place.name}.k` },
      )
    await copy([first, ...keys.map((key) => key.toLowerCase())])
    const report = await copy(keys)
    expect(report.deletes?.rows).toBe(gone)
    expect(report.warnings.map(({ code }) => code)).toEqual(gone === 0 ? ['DELETES'] : [])
    expect(await exec(`SELECT 1 FROM @k`)).toHaveLength(3 - gone)
  })

  it.each(['gone', 'flag'])('are marked in %s, also for an undo, and unmarked', async (mark) => {
    await run(count(20), { mark }, {}, { undo: true })
    const report = await run(count(15), { mark }, {}, { undo: true })
    expect(report.deletes).toEqual({ rows: 5, kept: 0 })
    expect(await ids('gone IS NOT NULL OR flag')).toEqual([16, 17, 18, 19, 20])
    expect((await run(count(18), { mark }, {}, { undo: true })).deletes?.rows).toBe(3)
    expect(await ids('gone IS NOT NULL OR flag')).toEqual([19, 20])
    await expect(run(count(15), 'propagate', { whenChanged: 'restart' }, { undo: true })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })

  it('stay if others refer to them, as far as rejections are borne', async () => {
    await run(count(50), 'propagate')
    await exec(`CREATE TABLE @r (t text, i bigint, FOREIGN KEY (t, i) REFERENCES @t); INSERT INTO @r VALUES ('a1', 47)`)
    await expect(run(count(30), 'propagate')).rejects.toMatchObject({
      code: 'RECORD_REJECTED',
      message: expect.stringContaining('["a1",47]'),
    })
    const report = await run(count(30), 'propagate', { maxRejected: 1 })
    expect(report).toMatchObject({ status: 'completed', deletes: { rows: 19, kept: 1 } })
    expect(await ids()).toEqual([...to(30), 47])
  })

  it('stay if the source gave nothing', async () => {
    await run(count(20), 'propagate')
    expect((await run([], 'propagate')).warnings).toMatchObject([{ code: 'DELETES' }])
    expect(await ids()).toEqual(to(20))
  })
})
