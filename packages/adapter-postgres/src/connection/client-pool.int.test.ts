import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import knex from 'knex'
import pg from 'pg'
import { expect, it } from 'vitest'
import { postgresError } from '../errors/postgres-error.js'
import { type ClientPool, clientPool } from './client-pool.js'

describePostgres('a given pool whose connections are all in use', () => {
  const database = useDatabase()

  async function waitsAndGoesOn(pool: ClientPool): Promise<void> {
    const first = await pool.acquire()
    const second = pool.acquire().then(
      () => undefined,
      (error: unknown) => error,
    )
    const refused = postgresError(await second, 'connecting')
    expect(refused).toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
    expect(refused.message).toContain(
      'Every connection of the pool is in use: raise its size, or use fewer partitions.',
    )
    await pool.release(first, false)
    // Nobody kept the connection that came too late.
    await pool.release(await pool.acquire(), false)
  }

  it('is not waited for without end', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    await waitsAndGoesOn(clientPool({ kind: 'pool', name: 'db', pool }, 'drover', 100))
    expect(pool).toMatchObject({ totalCount: 1, idleCount: 1, waitingCount: 0 })
    await pool.end()
  })

  it('of knex neither', async () => {
    const instance = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 1 } })
    await waitsAndGoesOn(clientPool({ kind: 'knex', name: 'db', knex: instance }, 'drover', 100))
    await instance.destroy()
  })
})
