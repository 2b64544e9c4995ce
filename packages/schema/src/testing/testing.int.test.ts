import { describePostgres, serverUrl } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Migration } from '../contracts/migration.js'
import { checkConcurrentBoot } from './check-boot.js'
import { checkDataPreserved } from './check-data.js'
import { checkIndexUse } from './check-index-use.js'
import { checkStairway } from './check-stairway.js'
import { checkTimeBudget } from './check-time.js'
import { type TestDatabase, type TestDatabaseOptions, testDatabase } from './test-database.js'

const base: Migration = {
  id: '001',
  up: async ({ schema }) => {
    await schema.createTable('calls', (table) => {
      table.integer('id').primary()
      table.string('status', 20)
    })
  },
  down: async ({ schema }) => schema.dropTable('calls'),
}
const priority: Migration = {
  id: '002',
  dependsOn: '001',
  assured: { 'index-not-concurrent': 'few rows' },
  up: async ({ schema }) => {
    await schema.addColumn('calls', 'priority', { type: 'integer', nullable: false, default: 0 })
    await schema.createIndex('calls', { name: 'ix_calls_priority', columns: ['priority'] })
  },
  down: async ({ schema }) => {
    await schema.dropIndex('ix_calls_priority')
    await schema.dropColumn('calls', 'priority')
  },
}
const branch: Migration = {
  id: '002b',
  dependsOn: '001',
  up: async ({ schema }) => schema.createTable('notes', (table) => void table.integer('id').primary()),
  down: async ({ schema }) => schema.dropTable('notes'),
}
const merge: Migration = { id: '003', dependsOn: ['002', '002b'], up: () => {}, down: () => {} }
const good = [base, priority, branch, merge]

function suite(options: () => TestDatabaseOptions): void {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase(options())
  })
  afterAll(async () => await database[Symbol.asyncDispose]())
  const seed = async (): Promise<void> =>
    void (await database.query("INSERT INTO calls (id, status) VALUES (1, 'done'), (2, NULL)"))

  it('takes good revisions up, down and up, branches and merges too', async () => {
    expect(await checkStairway({ database, migrations: good })).toEqual({
      revisions: ['001', '002', '002b', '003'],
      irreversible: [],
    })
  })

  it('finds a way down that leaves something, and one that takes too much', async () => {
    const leaves: Migration = { ...priority, down: async ({ schema }) => schema.dropIndex('ix_calls_priority') }
    await expect(checkStairway({ database, migrations: [base, leaves] })).rejects.toThrow(
      '002 does not take back all that it does: after up and down, the schema is another one: column calls.priority added',
    )
    const takes: Migration = { ...priority, down: async ({ schema }) => schema.dropTable('calls') }
    await expect(checkStairway({ database, migrations: [base, takes] })).rejects.toThrow('table calls removed')
  })

  it('finds data that were lost or changed', async () => {
    await checkDataPreserved({ database, migrations: good, from: '001', seed })
    const changes: Migration = {
      ...priority,
      up: async ({ knex }) => void (await knex('calls').where({ id: 1 }).update({ status: 'new' })),
      down: () => {},
    }
    const failure = checkDataPreserved({ database, migrations: [base, changes], from: '001', seed })
    await expect(failure).rejects.toThrow('calls.status of ["1"] was done and is new')
    const loses: Migration = {
      ...priority,
      up: async ({ sql }) => void (await sql('DELETE FROM calls WHERE id = 2')),
      down: () => {},
    }
    await expect(checkDataPreserved({ database, migrations: [base, loses], from: '001', seed })).rejects.toThrow(
      'the row ["2"] of calls is gone',
    )
    await expect(checkDataPreserved({ database, migrations: good, seed: async () => {} })).rejects.toThrow(
      'nothing can be lost',
    )
  })

  it('knows whether a query uses an index', async () => {
    await checkDataPreserved({ database, migrations: [base, priority], from: '001', seed, andBack: false })
    await checkIndexUse({ database, query: 'SELECT id FROM calls WHERE priority = 3', index: 'ix_calls_priority' })
    const failure = checkIndexUse({
      database,
      query: "SELECT id FROM calls WHERE status = 'x'",
      index: 'ix_calls_priority',
    })
    await expect(failure).rejects.toMatchObject({ code: 'BASELINE_WORSE' })
  })

  it('compares how long revisions take with their budgets', async () => {
    expect([...(await checkTimeBudget({ database, migrations: good, budgetMs: 60_000 })).keys()]).toEqual([
      '001',
      '002',
      '002b',
      '003',
    ])
    const failure = checkTimeBudget({ database, migrations: good, budgetMs: 60_000, budgetsMs: { '002': 0 } })
    await expect(failure).rejects.toThrow(/Revisions took longer than they may: 002 took \d+ ms of 0/)
  })

  it('starts instances at once', async () => {
    await checkConcurrentBoot({ database, migrations: good, instances: 4 })
    let calls = 0
    const breaks: Migration = {
      id: '009',
      up: () => {
        if (++calls > 1) throw new Error('not twice')
      },
    }
    await expect(checkConcurrentBoot({ database, migrations: [breaks], instances: 2 })).rejects.toThrow('not twice')
  })
}

describe('the test kit on SQLite', () => suite(() => ({ dialect: 'sqlite' })))
describePostgres('the test kit on PostgreSQL', () => suite(() => ({ dialect: 'postgres', server: serverUrl() })))

it('takes no database but its own', async () => {
  const other = {
    dialect: 'sqlite',
    location: 'app.db',
    query: async () => [],
    reset: async () => {},
    [Symbol.asyncDispose]: async () => {},
  } as const
  await expect(checkStairway({ database: other, migrations: good })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})
