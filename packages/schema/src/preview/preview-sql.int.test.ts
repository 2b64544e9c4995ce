import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readCatalog } from '../catalog/read-catalog.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import { defineMigration } from '../migration/define-migration.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { previewSql } from './preview-sql.js'

const { signal } = new AbortController()

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0
}

const migrations = [
  defineMigration({
    id: '001_calls',
    description: "It's\nthe first",
    up: async ({ schema, knex }) => {
      await schema.createTable('calls', (table) => {
        table.increments('id')
        table.text('name').notNullable().defaultTo("what's \\ this?")
        table.text('note')
      })
      await knex('calls').insert([
        { name: "a'b\\?;--", note: null },
        { name: '$1', note: '5' },
      ])
    },
    down: ({ schema }) => schema.dropTable('calls'),
  }),
  defineMigration({
    id: '002_priority',
    dependsOn: '001_calls',
    up: async ({ schema, knex }) => {
      await schema.addColumn('calls', 'priority', { type: 'integer', nullable: false, default: 5 })
      await schema.createIndex('calls', { name: 'calls_priority', columns: ['priority'] })
      await knex('calls').where({ note: '5' }).update({ priority: 7 })
    },
    down: ({ schema }) => schema.dropColumn('calls', 'priority'),
  }),
]

/** SQLite makes the table anew for them. */
const inItsPlace = defineMigration({
  id: '003_checked',
  dependsOn: '002_priority',
  up: async ({ schema }) => {
    await schema.alterColumn('calls', 'note', { type: 'varchar(20)', default: 'none', nullable: true })
    await schema.addCheck('calls', 'calls_priority_positive', 'priority > 0')
  },
  down: ({ schema }) => schema.dropConstraint('calls', 'calls_priority_positive'),
})

async function contentsOf(location: SchemaLocation, script?: string): Promise<unknown> {
  await using database = await openDatabase(location)
  await using connection = await database.connect({ signal })
  if (script !== undefined) await connection.exec(script)
  return {
    catalog: await readCatalog((sql, values) => connection.query(sql, values), database.dialect),
    calls: await connection.query('SELECT * FROM calls ORDER BY id'),
    journal: await connection.query(
      'SELECT revision, status, checksum, recorded_sql, depends_on FROM drover_migrations ORDER BY ordinal',
    ),
  }
}

/** The state store of the migrator has tables of its own. */
function ofTheScript(contents: unknown): unknown {
  const { catalog, ...rest } = contents as { catalog: { tables: { name: string }[] } }
  const names = ['calls', 'drover_migrations', 'drover_migration_events', 'drover_schema']
  return { ...rest, tables: catalog.tables.filter(({ name }) => names.includes(name)) }
}

const all = [...migrations, inItsPlace]

async function migrated(location: SchemaLocation): Promise<unknown> {
  await using migrator = createMigrator({ connection: location, migrations: all })
  await migrator.up()
  return await contentsOf(location)
}

async function goesOn(location: SchemaLocation): Promise<void> {
  await using migrator = createMigrator({ connection: location, migrations: all })
  expect(await migrator.status()).toMatchObject({ current: ['003_checked'], pending: [] })
  await migrator.down({ to: '001_calls', acceptLoss: true })
}

describe('previewSql for SQLite', () => {
  it('gives a script that makes what the migrator makes, also without a database', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'drover-preview-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const script = await previewSql({ dialect: 'sqlite', migrations: all })
    const made = await contentsOf(join(folder, 'script.db'), script)
    expect(ofTheScript(made)).toEqual(ofTheScript(await migrated(join(folder, 'migrated.db'))))
    await goesOn(join(folder, 'script.db'))
  })

  it.skipIf(!isInstalled('sqlite3'))('gives a script that sqlite3 runs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'drover-preview-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'program.db')
    const input = await previewSql({ dialect: 'sqlite', migrations: all })
    execFileSync('sqlite3', ['-bail', file], { input })
    expect(await contentsOf(file)).toMatchObject({ calls: [{ name: "a'b\\?;--" }, { name: '$1', priority: 7 }] })
    await goesOn(file)
  })
})

describePostgres('previewSql for PostgreSQL', () => {
  const scripted = useDatabase()
  const byMigrator = useDatabase()
  const byProgram = useDatabase()

  it('gives a script that makes what the migrator makes', async () => {
    const script = await previewSql({ dialect: 'postgres', migrations: all })
    const made = await contentsOf(scripted.url, script)
    expect(ofTheScript(made)).toEqual(ofTheScript(await migrated(byMigrator.url)))
    await goesOn(scripted.url)
  })

  it.skipIf(!isInstalled('psql'))('gives a script that psql runs, and that a failure leaves whole', async () => {
    const input = await previewSql({ dialect: 'postgres', migrations: all })
    const psql = (): Buffer =>
      execFileSync('psql', ['-q', '-v', 'ON_ERROR_STOP=1', byProgram.url], { input, stdio: 'pipe' })
    psql()
    expect(await contentsOf(byProgram.url)).toMatchObject({
      calls: [{ name: "a'b\\?;--" }, { name: '$1', priority: 7 }],
    })
    expect(psql).toThrow('already exists')
    await goesOn(byProgram.url)
  })
})

describe('previewSql', () => {
  it('takes any range, up and down, and is the same each time', async () => {
    const options = { dialect: 'postgres', migrations } as const
    const second = await previewSql({ ...options, range: '001:head' })
    expect(second).not.toContain('create table "calls"')
    expect(second).toContain('ADD COLUMN "priority" integer DEFAULT 5 NOT NULL')
    expect(await previewSql({ ...options, range: '001:head' })).toBe(second)
    const down = await previewSql({ ...options, direction: 'down', range: 'head:base' })
    expect(down.indexOf('DROP COLUMN "priority"')).toBeLessThan(down.indexOf('DROP TABLE "calls"'))
    expect(await previewSql({ ...options, range: '001:001' })).toContain('nothing to do')
  })

  it('says what cannot be seen, and stops at a backfill of a table that has rows', async () => {
    const migration = defineMigration({
      id: '003_backfill',
      dependsOn: '002_priority',
      up: async ({ sql, backfill }) => {
        const rows = await sql('SELECT id FROM calls')
        await sql('UPDATE calls SET note = $1', [String(rows.length)])
        await backfill({ name: 'notes', table: 'calls', sets: ['note'], set: () => ({ note: 'x' }) })
      },
    })
    const script = await previewSql({ dialect: 'postgres', migrations: [...migrations, migration], range: '002:003' })
    expect(script).toContain(
      '-- not to be seen without the database: what follows may depend on the rows of: SELECT id FROM calls',
    )
    expect(script).toContain('-- backfill notes, batch by batch: UPDATE calls SET note by a function')
    expect(script.indexOf('COMMIT;\n-- backfill')).toBeGreaterThan(0)
    expect(script).toContain('IF EXISTS (SELECT 1 FROM "calls") THEN RAISE EXCEPTION')
  })
})
