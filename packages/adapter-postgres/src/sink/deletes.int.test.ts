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
