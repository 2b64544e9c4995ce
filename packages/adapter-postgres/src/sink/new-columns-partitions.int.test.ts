import { from, type Row, runPipeline, transformer } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { postgresSource } from '../source/postgres-source.js'
import { postgresSink } from './postgres-sink.js'

describePostgres('fields that partitions of a run find without a column at the same time', () => {
  const database = useDatabase()

  it.each(['error', 'update'] as const)(
    'get one each, once, and no row is lost (onConflict: %s)',
    async (onConflict) => {
      await database.query(`
      DROP TABLE IF EXISTS s, t;
      CREATE TABLE s (id int PRIMARY KEY, a text); CREATE TABLE t (LIKE s INCLUDING ALL);
      INSERT INTO s SELECT i, 'a' || i FROM generate_series(1, 2000) AS i`)
      let isMet = (): void => {}
      const met = new Promise<void>((resolve) => {
        isMet = resolve
      })
      let there = 0
      // Each partition has its first such record in hand before either of them writes one.
      const late = transformer({
        name: 'late fields',
        concurrency: 2,
        transform: async (row: Row) => {
          const id = Number(row.id)
          if (id !== 501 && id !== 1_501) return id % 1_000 > 500 ? { ...row, ...fields(id) } : row
          if (++there === 2) isMet()
          await met
          return { ...row, ...fields(id) }
        },
      })
      const fields = (id: number): Row => ({ shared: `of ${id}`, [id <= 1_000 ? 'lower' : 'upper']: id })
      const report = await runPipeline({
        name: `late ${onConflict}`,
        source: from(postgresSource<Row>({ connection: database.url, table: 's' })).pipe(late),
        sink: postgresSink({ connection: database.url, table: 't', newColumns: 'add', onConflict }),
        parallel: 2,
        batchSize: 250,
      })
      expect(report).toMatchObject({ partitions: { length: 2 }, counts: { inserted: 2_000, rejected: 0 } })
      expect(
        await database.query(
          `SELECT count(*)::int, count(*) FILTER (WHERE shared = 'of ' || id)::int AS shared, sum(lower)::int AS lower, sum(upper)::int AS upper FROM t`,
        ),
      ).toEqual([{ count: 2_000, shared: 998, lower: 374_250, upper: 873_250 }])
    },
  )
})
