import { backfillerSuite } from '@drover/conformance'
import { type Backfiller, runBackfill } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { expect, it } from 'vitest'
import type { PostgresTransaction } from '../state/given-transaction.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { TestSchema } from '../testing/test-schema.js'

/** As somebody writes one who has a pool of pg. */
function messageTokens(table: string, pool: pg.Pool): Backfiller<PostgresTransaction> {
  const isWaiting = `token_count = 0 AND content <> ''`
  return {
    name: 'by-hand',
    count: async () => {
      const { rows } = await pool.query<{ count: string }>(`SELECT count(*) FROM ${table} WHERE ${isWaiting}`)
      return { value: Number(rows[0]?.count), exact: true }
    },
    backfillBatch: async ({ after, limit, tx }) => {
      const { rows } = await tx.query<{ id: number; content: string }>(
        `SELECT id, content FROM ${table} WHERE ${isWaiting} AND id > $1 ORDER BY id LIMIT $2`,
        [after ?? 0, limit],
      )
      const counts = rows.map(({ content }) => Math.max(1, Math.floor([...content].length / 4)))
      const { rowCount } = await tx.query(
        `UPDATE ${table} AS t SET token_count = u.count FROM unnest($1::int[], $2::int[]) AS u (id, count) WHERE t.id = u.id AND ${isWaiting}`,
        [rows.map(({ id }) => id), counts],
      )
      const cursor = rows.at(-1)?.id ?? after
      return { scanned: rows.length, changed: rowCount ?? 0, cursor, done: rows.length < limit }
    },
  }
}

describePostgres('a backfiller written by hand', () => {
  const database = useDatabase()

  async function made(): Promise<{ place: TestSchema; table: string; pool: pg.Pool } & AsyncDisposable> {
    const place = await TestSchema.create(database)
    const table = `${place.name}.messages`
    await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, content text NOT NULL, token_count int NOT NULL)`)
    const pool = new pg.Pool({ connectionString: database.url })
    const dispose = async (): Promise<void> => {
      await pool.end()
      await place[Symbol.asyncDispose]()
    }
    return { place, table, pool, [Symbol.asyncDispose]: dispose }
  }

  backfillerSuite<PostgresTransaction>('over a transaction of pg', {
    capabilities: { count: 'exact', transactional: true },
    create: async () => {
      const { table, pool, ...rest } = await made()
      let next = 1
      const add = (content: string, count: number) =>
        pool.query(`INSERT INTO ${table} VALUES ($1, $2, $3)`, [next++, content, count])
      const all = async (count: string) =>
        (await pool.query(`SELECT id, content, ${count} AS token_count FROM ${table} ORDER BY id`)).rows
      return {
        open: () => messageTokens(table, pool),
        seed: async (waiting) => {
          for (let i = 0; i < waiting; i++) {
            await add(`${'naïve '.repeat(i % 7)}text`, 0)
            if (i % 3 === 0) await add('', 0)
            if (i % 5 === 0) await add('counted already', 99)
          }
        },
        contents: () => all('token_count'),
        expected: () =>
          all(`CASE WHEN token_count > 0 OR content = '' THEN token_count ELSE greatest(1, length(content) / 4) END`),
        transaction: async (work) => {
          const client = await pool.connect()
          try {
            await client.query('BEGIN')
            const value = await work(client as PostgresTransaction)
            await client.query('COMMIT')
            return value
          } catch (error) {
            await client.query('ROLLBACK')
            throw error
          } finally {
            client.release()
          }
        },
        [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose](),
      }
    },
  })

  it('happens once with the state store of the same database, and goes on where it stopped', async () => {
    await using rig = await made()
    const { place, table, pool } = rig
    await pool.query(`INSERT INTO ${table} SELECT i, 'message ' || i, 0 FROM generate_series(1, 1000) AS i`)
    await using state = postgresStateStore({ connection: database.url, stateSchema: place.name })
    const run = (records?: number) =>
      runBackfill({
        backfiller: messageTokens(table, pool),
        state,
        batchSize: 100,
        ...(records === undefined ? {} : { stopAfter: { records } }),
      })
    expect(await run(300)).toMatchObject({ status: 'stopped', guarantee: 'exactly-once', counts: { updated: 300 } })
    expect(await run()).toMatchObject({ status: 'completed', counts: { read: 1_000, updated: 1_000 } })
    expect((await pool.query(`SELECT FROM ${table} WHERE token_count = 0`)).rowCount).toBe(0)
  })
})
