import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memorySink, ndjsonSink, type Row, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { TestSchema } from '../testing/test-schema.js'
import { postgresSource } from './postgres-source.js'

describePostgres('runs that read what came since the last one', () => {
  const database = useDatabase()
  let place: TestSchema
  let late: pg.Client
  beforeEach(async () => {
    place = await TestSchema.create(database)
    await exec(`CREATE TABLE @t (id serial PRIMARY KEY, v text, changed timestamptz NOT NULL DEFAULT clock_timestamp());
      CREATE UNIQUE INDEX ON @t (changed, id)`)
    late = new pg.Client({ connectionString: database.url })
    await late.connect()
  })
  afterEach(async () => {
    await late.end()
    await place[Symbol.asyncDispose]()
  })

  const sql = (text: string) => text.replaceAll('@', `${place.name}.`)
  const exec = (text: string) => database.query(sql(text))
  const insert = (count: number) => exec(`INSERT INTO @t (v) SELECT 'a' FROM generate_series(1, ${count})`)

  /** A pipeline that is called again and again, and what its sink has. */
  function copying(options: { readonly key: string | string[]; readonly catchUp?: true }) {
    const sink = memorySink<Row>({ key: 'id', onConflict: 'update' })
    const source = postgresSource({ connection: database.url, table: `${place.name}.t`, ...options })
    return {
      run: () => runPipeline({ name: 'copy', source, sink, again: 'incremental' }),
      get values() {
        return sink.store.rows.map(({ id, v }) => `${id}${v}`).sort()
      },
    }
  }
  const there = async () =>
    (await exec(`SELECT id || v AS row FROM @t ORDER BY id || v COLLATE "C"`)).map(({ row }) => row)

  it('by key take the new rows, and no other', async () => {
    const copy = copying({ key: 'id' })
    await insert(10)
    await copy.run()
    await insert(5)
    expect((await copy.run()).counts).toMatchObject({ read: 5, inserted: 5 })
    expect((await copy.run()).counts).toMatchObject({ read: 0 })
    expect(copy.values).toEqual(await there())
  })

  it('by a mark of time take rows that were changed, too', async () => {
    const copy = copying({ key: ['changed', 'id'] })
    await insert(10)
    await copy.run()
    await exec(`UPDATE @t SET v = 'b', changed = clock_timestamp() WHERE id IN (3, 4)`)
    expect((await copy.run()).counts).toMatchObject({ read: 2, updated: 2 })
    expect(copy.values).toEqual(await there())
  })

  it.each(['id', ['changed', 'id']])(
    'by %j lose what commits behind them for good, and do not with catchUp',
    async (key) => {
      const [losing, safe] = [copying({ key }), copying({ key, catchUp: true })]
      await insert(5)
      await late.query(sql(`BEGIN; INSERT INTO @t (v) VALUES ('late')`))
      await insert(5)
      await losing.run()
      await safe.run()
      await late.query('COMMIT')
      await insert(1)
      for (let calls = 0; calls < 2; calls++) {
        await losing.run()
        await safe.run()
      }
      const all = await there()
      expect(all).toHaveLength(12)
      expect(losing.values).toEqual(all.filter((row) => !row.endsWith('late')))
      expect(safe.values).toEqual(all)
    },
  )

  it('add to a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drover-incremental-'))
    try {
      const path = join(folder, 'out.ndjson')
      const source = postgresSource({ connection: database.url, table: `${place.name}.t`, key: 'id' })
      const run = () => runPipeline({ name: 'export', source, sink: ndjsonSink({ path }), again: 'incremental' })
      await insert(3)
      await run()
      await insert(2)
      await run()
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
      expect(lines.map((line) => JSON.parse(line).id)).toEqual([1, 2, 3, 4, 5])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
