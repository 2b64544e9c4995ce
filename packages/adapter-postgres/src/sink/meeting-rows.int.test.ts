import { randomUUID } from 'node:crypto'
import { from, memorySource, type Row, runPipeline, startPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { beforeEach, expect, it } from 'vitest'
import { postgresSink } from './postgres-sink.js'

describePostgres('rows that may meet others', () => {
  const database = useDatabase()

  beforeEach(async () => {
    await database.query('DROP TABLE IF EXISTS t, copies')
    await database.query('CREATE TABLE t (id int PRIMARY KEY, v text)')
    await database.query('CREATE TABLE copies (how text)')
    // A statement that is a COPY into the table leaves no row in pg_temp behind.
    await database.query(`
      CREATE OR REPLACE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO copies VALUES (CASE WHEN current_query() ~* '^\\s*COPY' THEN 'straight' ELSE 'by stage' END);
        RETURN NULL;
      END $$`)
    await database.query('CREATE TRIGGER seen AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION seen()')
  })

  const run = async (records: readonly Row[], options: object = {}) => {
    const retried: unknown[] = []
    const live = startPipeline({
      name: randomUUID(),
      source: from(memorySource({ records, key: 'n' })).pipe(({ n, ...row }: Row) => row),
      sink: postgresSink({ connection: database.url, table: 't', key: 'id', onConflict: 'update', ...options }),
      batchSize: 100,
      maxRetries: 0,
    })
    live.events.on('batch:retried', (event) => void retried.push(event))
    const report = await live.result
    expect(retried).toEqual([])
    return report.counts
  }
  const rows = (count: number, v: string, first = 1): Row[] =>
    Array.from({ length: count }, (_, i) => ({ n: i, id: first + i, v }))
  const ways = async () => (await database.query('SELECT how FROM copies')).map(({ how }) => how)
  const written = async (): Promise<unknown> =>
    (await database.query("SELECT count(*)::int AS count, string_agg(DISTINCT v, ',' ORDER BY v) AS v FROM t"))[0]

  it('are copied straight into a table that has none', async () => {
    expect(await run(rows(300, 'a'))).toMatchObject({ inserted: 300, updated: 0 })
    expect(await ways()).toEqual(['straight', 'straight', 'straight'])
  })

  it.each([
    ['update', { inserted: 250, updated: 50, skipped: 0 }, 'a,b'],
    ['skip', { inserted: 250, updated: 0, skipped: 50 }, 'a'],
  ])('go by a temporary table from the first that meets one of its own run on (%s)', async (onConflict, counts, v) => {
    const twice = [...rows(250, 'a'), ...rows(50, onConflict === 'skip' ? 'a' : 'b', 101)].map((row, n) => ({
      ...row,
      n,
    }))
    expect(await run(twice, { onConflict })).toMatchObject({ read: 300, rejected: 0, ...counts })
    expect(await written()).toEqual({ count: 250, v })
    expect(await ways()).toEqual(['straight', 'straight', 'by stage'])
  })

  it('go by a temporary table where rows are there', async () => {
    await run(rows(200, 'a'))
    await database.query('TRUNCATE copies')
    expect(await run(rows(300, 'b'))).toMatchObject({ inserted: 100, updated: 200 })
    expect(await written()).toEqual({ count: 300, v: 'b' })
    expect(await ways()).toEqual(['by stage', 'by stage', 'by stage'])
  })

  it('are refused for another unique index than the key', async () => {
    await database.query("CREATE UNIQUE INDEX ON t (v) WHERE v = 'one'")
    const records = rows(150, 'a').map((row) => ([40, 60].includes(Number(row.id)) ? { ...row, v: 'one' } : row))
    const report = await runPipeline({
      name: 'refused',
      source: memorySource({ records: records.map(({ n, ...row }) => row), key: 'id' }),
      sink: postgresSink({ connection: database.url, table: 't', onConflict: 'update' }),
      maxRejected: 1,
      deadLetters: { specVersion: 1, name: 'none', guarantee: 'idempotent', connect: async () => forgetting },
    })
    expect(report.counts).toMatchObject({ inserted: 149, rejected: 1 })
    expect(report.rejected[0]?.message).toMatch(/t_v_idx/)
  })
})

const forgetting = {
  write: async () => ({ inserted: 1, updated: 0, skipped: 0 }),
  [Symbol.asyncDispose]: async () => {},
}
