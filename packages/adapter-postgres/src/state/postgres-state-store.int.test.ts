import { stateStoreSuite, transactionalStateStoreSuite } from '@drover/conformance'
import { DroverError, type Lease, type StateStore } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { type Knex, knex as makeKnex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestSchema } from '../testing/test-schema.js'
import { transactionPooler } from '../testing/transaction-pooler.js'
import type { PostgresTransaction } from './given-transaction.js'
import { postgresStateStore } from './postgres-state-store.js'

const operation = { signal: new AbortController().signal }
const claim = { partition: { id: 'all', bounds: null }, holder: 'h', ttlMs: 60_000 }
const wanted = { name: 'a', fingerprint: null, partitions: [], follows: null }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 0, updated: 1, skipped: 0 }

describePostgres('postgresStateStore', () => {
  const database = useDatabase()
  const people = async (schema: string): Promise<readonly { id: number; name: string }[]> =>
    database.query(`SELECT id, name FROM ${schema}.people`)
  const relationsIn = async (schema: string): Promise<string[]> => {
    const sql = `SELECT relname FROM pg_class WHERE relnamespace = '${schema}'::regnamespace ORDER BY 1`
    return (await database.query<{ relname: string }>(sql)).map(({ relname }) => relname)
  }
  const placeWithPeople = async (): Promise<TestSchema> => {
    const place = await TestSchema.create(database)
    await database.query(`CREATE TABLE ${place.name}.people (id int PRIMARY KEY, name text)`)
    return place
  }

  stateStoreSuite('postgresStateStore', {
    create: async () => {
      const place = await TestSchema.create(database)
      return {
        open: () => postgresStateStore({ connection: database.url, stateSchema: place.name }),
        holds: () => relationsIn(place.name),
        [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
      }
    },
  })

  stateStoreSuite('postgresStateStore behind a pooler in transaction mode', {
    create: async () => {
      const place = await TestSchema.create(database)
      const pooler = transactionPooler(database.url)
      return {
        open: () => postgresStateStore({ connection: pooler, stateSchema: place.name }),
        holds: () => relationsIn(place.name),
        async [Symbol.asyncDispose]() {
          await pooler[Symbol.asyncDispose]()
          await place[Symbol.asyncDispose]()
        },
      }
    },
  })

  transactionalStateStoreSuite<PostgresTransaction>('postgresStateStore', {
    create: async () => {
      const place = await placeWithPeople()
      return {
        open: () => postgresStateStore({ connection: database.url, stateSchema: place.name }),
        write: async (tx, row) =>
          void (await tx.query(`INSERT INTO ${place.name}.people VALUES ($1, $2)`, [row.id, row.name])),
        contents: () => people(place.name),
        [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
      }
    },
  })

  transactionalStateStoreSuite<Knex.Transaction>('postgresStateStore over knex', {
    create: async () => {
      const place = await placeWithPeople()
      const knex = makeKnex({ client: 'pg', connection: database.url })
      return {
        open: () => postgresStateStore({ connection: knex, stateSchema: place.name }),
        write: async (tx, row) => void (await tx('people').withSchema(place.name).insert(row)),
        contents: () => people(place.name),
        async [Symbol.asyncDispose]() {
          await knex.destroy()
          await place[Symbol.asyncDispose]()
        },
      }
    },
  })

  describe('tables', () => {
    let place: TestSchema
    const open = (more: object = {}) =>
      postgresStateStore({ connection: database.url, stateSchema: place.name, ...more })
    const tables = async (): Promise<readonly string[]> => {
      const rows = await database.query<{ name: string }>(
        'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 ORDER BY 1',
        [place.name],
      )
      return rows.map(({ name }) => name)
    }

    beforeEach(async () => {
      place = await TestSchema.create(database)
    })
    afterEach(() => place[Symbol.asyncDispose]())

    it('are created by several at once', async () => {
      const stores = Array.from({ length: 6 }, () => open())
      await Promise.all(stores.map((store) => store.setup?.(operation)))
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()))
      expect(await tables()).toEqual(['drover_indexes', 'drover_meta', 'drover_partitions', 'drover_runs'])
    })

    it('are not made for who only looks', async () => {
      await using store = open()
      expect(await store.load('a', operation)).toBeNull()
      for await (const run of store.list(operation)) expect.fail(run.name)
      expect(await tables()).toEqual([])
      await store.open(wanted, operation)
      expect((await store.load('a', operation))?.name).toBe('a')
    })

    it('are kept under another prefix, and apart from others', async () => {
      await using store = open({ tablePrefix: 'it"s ' })
      await store.open(wanted, operation)
      await using other = open()
      expect(await other.load('a', operation)).toBeNull()
      expect((await store.load('a', operation))?.name).toBe('a')
      expect(await tables()).toContain('it"s runs')
    })

    it('of a newer version are refused', async () => {
      await using store = open()
      await store.setup?.(operation)
      await database.query(`UPDATE ${place.name}.drover_meta SET value = '99'`)
      await using other = open()
      await expect(other.load('a', operation)).rejects.toMatchObject({ code: 'STATE_INVALID' })
    })

    it('are in a schema that is created with them', async () => {
      const schema = `${place.name} of ours`
      await using store = open({ stateSchema: schema })
      await store.open(wanted, operation)
      expect(await database.query(`SELECT name FROM "${schema}".drover_runs`)).toEqual([{ name: 'a' }])
      await database.query(`DROP SCHEMA "${schema}" CASCADE`)
    })

    it('that this user may not create are said to be missing, with what to grant', async () => {
      const user = `user_${place.name}`
      const role = new URL(database.url)
      role.username = user
      role.password = 'x'
      await database.query(`CREATE ROLE ${user} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA ${place.name} TO ${user}`)
      try {
        const denied = postgresStateStore({ connection: role.href, stateSchema: place.name })
        await expect(denied.setup?.(operation)).rejects.toMatchObject({
          code: 'STORE_DENIED',
          message: expect.stringContaining('GRANT SELECT, INSERT, UPDATE, DELETE ON'),
        })
        // What somebody else has made, it can work with.
        await using owner = open()
        await owner.setup?.(operation)
        await database.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${place.name} TO ${user}`)
        await using store = postgresStateStore({ connection: role.href, stateSchema: place.name })
        const { run } = await store.open(wanted, operation)
        expect(await store.acquire({ ...claim, run }, operation)).toMatchObject({ fence: 1 })
      } finally {
        await database.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`)
      }
    })

    it('are used again after the store was disposed of', async () => {
      const store = open()
      await store.open({ ...wanted, fingerprint: { a: 1 } }, operation)
      await store[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      expect((await store.load('a', operation))?.fingerprint).toEqual({ a: 1 })
      await store[Symbol.asyncDispose]()
    })

    it('lose runs that were followed long ago, and no others', async () => {
      await using store = open({ retentionDays: 7 })
      const old = await opened(store, null)
      const open1 = await opened(store, old.run, 60_000)
      await using recent = open()
      const newest = await opened(recent, open1.run)
      await database.query(
        `UPDATE ${place.name}.drover_runs SET started_at = now() - interval '8 days' WHERE run = '${old.run}'`,
      )
      const next = await opened(store, newest.run)
      expect(
        (await database.query(`SELECT run FROM ${place.name}.drover_runs ORDER BY ordinal`)).map(({ run }) => run),
      ).toEqual([open1.run, newest.run, next.run])
      expect(await database.query(`SELECT FROM ${place.name}.drover_partitions WHERE run = '${old.run}'`)).toEqual([])
    })

    async function opened(store: StateStore, follows: string | null, ttlMs = 10): Promise<Lease> {
      const { run } = await store.open({ ...wanted, follows }, operation)
      return taken(store, run, ttlMs)
    }

    it('hold a position that is stored with what the user wrote, or neither, also when he catches the error', async () => {
      await using store = open()
      const { run } = await store.open(wanted, operation)
      const lease = await taken(store, run)
      const work = store.transaction(async (tx) => {
        await tx.query('SELECT 1/0').catch(() => {})
        return { commit: { ...lease, sequence: 1, cursor: 1, done: false, counts }, value: undefined }
      }, operation)
      await expect(work).rejects.toThrow(DroverError)
      expect((await store.load('a', operation))?.positions).toEqual([])
    })

    it('give errors of the database in a transaction their codes, and the others as they are', async () => {
      await database.query(`CREATE TABLE ${place.name}.t (a int NOT NULL)`)
      const sql = `INSERT INTO ${place.name}.t VALUES (NULL)`
      const knex = makeKnex({ client: 'pg', connection: database.url })
      await using store = open()
      await using overKnex = postgresStateStore({ connection: knex, stateSchema: place.name })
      const notReached = (): never => {
        throw new Error('not reached')
      }
      try {
        const works = [
          () => store.transaction((tx) => tx.query(sql).then(notReached), operation),
          () => overKnex.transaction((tx) => tx.raw(sql).then(notReached), operation),
        ]
        for (const work of works) await expect(work()).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
        for (const one of [store, overKnex]) {
          const mine = one.transaction(() => Promise.reject(new TypeError('mine')), operation)
          await expect(mine).rejects.toThrow(TypeError)
        }
      } finally {
        await knex.destroy()
      }
    })
  })
})

async function taken(store: StateStore, run: string, ttlMs = 60_000): Promise<Lease> {
  const lease = await store.acquire({ ...claim, run, ttlMs }, operation)
  if ('heldBy' in lease) throw new Error('held')
  return lease
}
