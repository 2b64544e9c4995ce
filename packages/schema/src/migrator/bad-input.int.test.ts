import { chmodSync } from 'node:fs'
import { DroverError, type ErrorCode } from '@drover/core'
import { describe, expect, it } from 'vitest'
import type { Migration } from '../contracts/migration.js'
import type { MigratorOptions } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import { createMigrator } from './create-migrator.js'
import { describeBoth } from './testing/both-databases.js'

async function failure(work: Promise<unknown>): Promise<{ readonly code: ErrorCode; readonly message: string }> {
  const error: unknown = await work.catch((thrown: unknown) => thrown)
  if (DroverError.isInstance(error)) return { code: error.code, message: error.message }
  throw new Error(`it did not fail with an error of ours: ${String(error)}`)
}

const base: Migration = {
  id: '001_calls',
  up: async ({ sql }) => {
    await sql('CREATE TABLE calls (id integer PRIMARY KEY, note text, priority integer DEFAULT 5)')
    await sql(`INSERT INTO calls (id, note) VALUES (1, 'a'), (2, 'b')`)
  },
}

const notes: Migration = {
  id: '002_notes',
  dependsOn: '001_calls',
  up: async ({ sql }) => {
    await sql('CREATE TABLE notes (id integer PRIMARY KEY)')
  },
}

const { signal } = new AbortController()

describeBoth('what is wrong with a database', (store) => {
  const migratorOf = (migrations: readonly Migration[], options: Partial<MigratorOptions> = {}) =>
    createMigrator({ connection: store().location, migrations, ...options })

  async function expectCalls(): Promise<void> {
    expect(await store().query('SELECT id, note FROM calls ORDER BY id')).toEqual([
      { id: 1, note: 'a' },
      { id: 2, note: 'b' },
    ])
  }

  it('a word in the journal that nobody knows', async () => {
    await using migrator = migratorOf([base, notes])
    await migrator.up()
    await store().exec(
      store().dialect === 'postgres'
        ? `ALTER TABLE drover_migrations DROP CONSTRAINT drover_migrations_status_check;
           UPDATE drover_migrations SET status = 'perhaps' WHERE revision = '002_notes'`
        : `PRAGMA ignore_check_constraints = ON; UPDATE drover_migrations SET status = 'perhaps' WHERE revision = '002_notes'`,
    )
    const works = [() => migrator.up(), () => migrator.status(), () => migrator.ensure({ mode: 'apply' })]
    for (const work of works)
      expect(await failure(work())).toMatchObject({
        code: 'JOURNAL_INVALID',
        message: expect.stringMatching(
          /revision 002_notes: the column status is "perhaps", and has to be one of applied, begun, reverting\. .*restore it/,
        ),
      })
    await expectCalls()
  })

  it('a checksum in the journal that somebody has changed', async () => {
    await using migrator = migratorOf([base, notes])
    await migrator.up()
    await store().exec(`UPDATE drover_migrations SET checksum = 'other' WHERE revision = '001_calls'`)
    expect(await failure(migrator.ensure({ mode: 'apply' }))).toMatchObject({
      code: 'REVISION_EDITED',
      message: expect.stringContaining('drover schema repair 001_calls accept-edit'),
    })
    await migrator.repair('001_calls', 'accept-edit')
    expect(await migrator.ensure({ mode: 'verify' })).toMatchObject({ status: 'nothing' })
    await expectCalls()
  })

  it('a row of the journal that somebody has deleted: what is there is not made again, and nothing is lost', async () => {
    await using first = migratorOf([base])
    await first.up()
    await store().exec('DELETE FROM drover_migrations')
    await using migrator = migratorOf([base, notes])
    expect(await failure(migrator.up())).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/001_calls failed .*calls.*already exists.*Nothing of it stays/),
    })
    await expectCalls()
    await migrator.stamp('001_calls')
    expect((await migrator.up()).revisions).toMatchObject([{ id: '002_notes' }])
  })

  it('a lease whose holder died on another host', async () => {
    await using migrator = migratorOf([base])
    {
      await using database = await openDatabase(store().location)
      const partition = { id: 'all', bounds: null }
      const { state } = database
      const { run } = await state.open(
        { name: 'drover-schema', fingerprint: null, partitions: [partition], follows: null },
        { signal },
      )
      await state.acquire({ run, partition, holder: 'elsewhere:1:dead', ttlMs: 400 }, { signal })
    }
    expect(await failure(migrator.ensure({ mode: 'apply', whenHeld: 'fail' }))).toMatchObject({
      code: 'RUN_HELD',
      message: expect.stringContaining('elsewhere:1:dead migrates'),
    })
    expect(await migrator.ensure({ mode: 'apply' })).toMatchObject({ status: 'applied' })
    await expectCalls()
  })

  it('a view that reads what is dropped', async () => {
    const withView: Migration = {
      id: '002_view',
      dependsOn: '001_calls',
      up: ({ schema }) => schema.createView('urgent', 'SELECT id, priority FROM calls WHERE priority > 5'),
    }
    const dropping: Migration = {
      id: '003_drop',
      dependsOn: '002_view',
      assured: { 'column-dropped': 'nobody reads it' },
      up: ({ schema }) => schema.dropColumn('calls', 'priority'),
    }
    await using migrator = migratorOf([base, withView, dropping])
    expect(await failure(migrator.up())).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/003_drop failed .*urgent.*Nothing of it stays/s),
    })
    expect(await store().query('SELECT priority FROM calls ORDER BY id')).toEqual([{ priority: 5 }, { priority: 5 }])
    expect(await store().query('SELECT id FROM urgent')).toEqual([])
    expect((await migrator.status()).current).toEqual(['002_view'])
  })

  it('an invalid index of that name', async () => {
    const unique: Migration = {
      id: '002_unique',
      dependsOn: '001_calls',
      transaction: 'none',
      up: ({ schema }) =>
        schema.concurrentIndex('calls', { name: 'one_priority', columns: ['priority'], unique: true }),
    }
    await using migrator = migratorOf([base, unique])
    await migrator.up({ to: '001_calls' })
    expect((await failure(migrator.up())).message).toMatch(/one_priority|calls\.priority|unique/i)
    await store().exec('UPDATE calls SET priority = id')
    expect((await migrator.up()).revisions).toMatchObject([{ id: '002_unique' }])
    await expect(store().exec('UPDATE calls SET priority = 1')).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
    await expectCalls()
  })

  // The mode of a file stops nobody who is root.
  it('a database that takes no writes', async ({ skip }) => {
    await using migrator = migratorOf([base])
    await migrator.up()
    if (store().dialect === 'postgres') {
      const [row] = await store().query('SELECT current_database() AS name')
      await store().exec(`ALTER DATABASE "${String(row?.name)}" SET default_transaction_read_only = on`)
    } else {
      if (process.getuid?.() === 0) skip('root writes to files that are read only')
      chmodSync(store().location, 0o444)
    }
    await using late = migratorOf([base, notes])
    expect(await late.status()).toMatchObject({ pending: ['002_notes'] })
    expect(await failure(late.up())).toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringMatching(/read.?only/i),
    })
    expect(await failure(late.ensure({ mode: 'verify' }))).toMatchObject({ code: 'SCHEMA_BEHIND' })
    await expectCalls()
  })

  it('a disk that is full while a table is made anew', async ({ skip }) => {
    if (store().dialect === 'postgres') skip('a table of PostgreSQL on a full disk is in the tests of its adapter')
    const rebuild: Migration = {
      id: '002_rebuild',
      dependsOn: '001_calls',
      up: async ({ sql, schema, isPreview }) => {
        if (!isPreview) {
          await sql(`UPDATE calls SET note = note || printf('%.*c', 20000, 'x')`)
          const [row] = await sql('PRAGMA page_count')
          await sql(`PRAGMA max_page_count = ${Number(row?.page_count) + 2}`)
        }
        await schema.rebuildTable('calls', { columns: { priority: { type: 'text' } } })
      },
    }
    await using migrator = migratorOf([base, rebuild])
    expect(await failure(migrator.up())).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/002_rebuild failed .*full.*Nothing of it stays/s),
    })
    await expectCalls()
    expect(
      await store().query(`SELECT lower(type) AS type FROM pragma_table_info('calls') WHERE name = 'priority'`),
    ).toEqual([{ type: 'integer' }])
    expect(await store().query('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
    expect((await migrator.status()).current).toEqual(['001_calls'])
  })

  it('is known again by what is steady of it, with random values, when it goes on', async () => {
    let isBroken = true
    const random: Migration = {
      id: '002_random',
      dependsOn: '001_calls',
      transaction: 'none',
      up: async ({ knex, sql, isPreview }) => {
        await knex('calls').insert({ id: 3, note: crypto.randomUUID() })
        await sql(isBroken && !isPreview ? 'INSERT INTO nowhere VALUES (1)' : 'CREATE TABLE behind (id integer)')
      },
    }
    await using broken = migratorOf([base, random])
    expect(await failure(broken.up())).toMatchObject({ code: 'MIGRATION_FAILED' })
    isBroken = false
    await using mended = migratorOf([base, random])
    expect((await mended.up()).revisions).toMatchObject([{ id: '002_random' }])
    expect(await store().query('SELECT id FROM calls ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
  })
})

describe('the driver sqlite3', () => {
  it('goes up, down and up again, together and one by one', async () => {
    const more: Migration[] = [
      { ...base, down: ({ schema }) => schema.dropTable('calls') },
      { ...notes, down: ({ schema }) => schema.dropTable('notes') },
      {
        id: '003_kinds',
        dependsOn: '002_notes',
        up: async ({ schema, backfill }) => {
          await schema.addColumn('calls', 'kind', { type: 'text' })
          await backfill({ name: 'kinds', table: 'calls', sets: ['kind'], set: { kind: `'call'` } })
          await schema.rebuildTable('calls', { columns: { priority: { type: 'text' } } })
        },
        down: ({ schema }) => schema.dropColumn('calls', 'kind'),
      },
    ]
    await using migrator = createMigrator({ connection: { filename: ':memory:', driver: 'sqlite3' }, migrations: more })
    expect((await migrator.up()).revisions.map(({ id }) => id)).toEqual(['001_calls', '002_notes', '003_kinds'])
    expect((await migrator.down({ to: 'base', acceptLoss: true })).revisions).toHaveLength(3)
    expect((await migrator.up()).heads).toEqual(['003_kinds'])
    expect(await migrator.ensure({ mode: 'verify' })).toMatchObject({ status: 'nothing' })
  })
})
