import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import makeKnex from 'knex'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openDatabase } from './open-database.js'

const { signal } = new AbortController()

async function works(location: SchemaLocation): Promise<string | null> {
  await using database = await openDatabase(location)
  await using connection = await database.connect({ signal })
  await connection.begin()
  await connection.run('CREATE TABLE opened (a integer)')
  await connection.commit()
  expect(await database.query('SELECT count(*) AS n FROM opened', [], { signal })).toEqual([{ n: 0 }])
  await connection.run('DROP TABLE opened')
  return database.url
}

describe('openDatabase', () => {
  it('shares a database in memory, and leaves a given instance of knex open and as it was', async () => {
    expect(await works(':memory:')).toBeNull()
    const knex = makeKnex({ client: 'sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true })
    try {
      expect(await works(knex)).toBeNull()
      expect(await knex.raw('PRAGMA foreign_keys')).toEqual([{ foreign_keys: 0 }])
    } finally {
      await knex.destroy()
    }
  })

  it.each([
    [undefined, 'DATABASE_URL'],
    ['mysql://localhost/a', 'mysql://'],
    [{ filename: 'a.db', mode: 'ro' }, 'mode'],
    [{ host: 'localhost' }, '{ postgres:'],
  ])('refuses %j', async (location, said) => {
    const before = process.env.DATABASE_URL
    delete process.env.DATABASE_URL
    try {
      await expect(openDatabase(location as SchemaLocation)).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining(said),
      })
    } finally {
      if (before !== undefined) process.env.DATABASE_URL = before
    }
  })
})

describePostgres('openDatabase for PostgreSQL', () => {
  const database = useDatabase()

  it('takes a pool and an instance of knex, and leaves them open', async () => {
    const pool = new pg.Pool({ connectionString: database.url })
    const knex = makeKnex({ client: 'pg', connection: database.url })
    try {
      expect(await works({ postgres: pool })).toBeNull()
      expect(await works(knex)).toBeNull()
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
      expect((await knex.raw('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    } finally {
      await pool.end()
      await knex.destroy()
    }
  })
})
