import { memorySource, type Row, runPipeline, type Source } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { knex as makeKnex } from 'knex'
import pg from 'pg'
import { beforeAll, expect, it } from 'vitest'
import { postgresSink } from '../sink/postgres-sink.js'
import { postgresSource } from '../source/postgres-source.js'
import type { PostgresLocation } from './postgres-location.js'

describePostgres('a pool of the application that a run is given', () => {
  const database = useDatabase()
  beforeAll(() =>
    database.query(`CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100);
      CREATE TABLE copy (id int PRIMARY KEY)`),
  )

  const copied = async (connection: PostgresLocation['connection'], source: Source, parallel: number) => {
    await database.query('TRUNCATE copy')
    const sink = postgresSink({ connection, table: 'copy' })
    const { warnings, counts } = await runPipeline({ name: 'copy', again: 'full', source, sink, parallel })
    expect(counts.written).toBe(100)
    return warnings
  }
  const tooSmall = (said: string) => [{ code: 'POOL_TOO_SMALL', message: expect.stringContaining(said) }]

  it.each<[string, (max: number) => { connection: PostgresLocation['connection']; end: () => Promise<void> }]>([
    [
      'pg',
      (max) => {
        const pool = new pg.Pool({ connectionString: database.url, max })
        return { connection: pool, end: () => pool.end() }
      },
    ],
    [
      'knex',
      (max) => {
        const knex = makeKnex({ client: 'pg', connection: database.url, pool: { min: 0, max } })
        return { connection: knex, end: () => knex.destroy() }
      },
    ],
  ])('is said at once to have too few connections for its partitions: %s', async (_, make) => {
    const { connection, end } = make(5)
    const source = postgresSource({ connection, table: 't' })
    const other = memorySource<Row>({ records: Array.from({ length: 100 }, (_, id) => ({ id })), key: 'id' })
    try {
      const said =
        '5 connections at the most, and the run may hold 6 of them at once (2 to read by, 2 to write by, 2 for'
      for (let again = 0; again < 2; again++) expect(await copied(connection, source, 2)).toEqual(tooSmall(said))
      expect(await copied(connection, source, 1)).toEqual([])
      expect(await copied(connection, other, 3)).toEqual([])
      expect(await copied(connection, other, 4)).toEqual(tooSmall('may hold 6 of them at once (4 to write by'))
    } finally {
      await end()
    }
  })
})
