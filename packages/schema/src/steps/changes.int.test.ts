import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import type { MigrationContext } from '../contracts/migration-context.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import { LiveSteps } from './live-steps.js'
import { migrationContext } from './migration-context.js'

const { signal } = new AbortController()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-schema-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe.each(['better-sqlite3', 'sqlite3'] as const)('SQLite with %s', (driver) => {
  sharedTests(() => ({ filename: join(folder, `${driver}.db`), driver }))

  it('keeps the children of a table that loses a column, and refuses what knex would rebuild a table for', async () => {
    await using database = await openDatabase(':memory:')
    await using connection = await database.connect({ signal })
    await connection.exec(
      'CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT, b TEXT); CREATE INDEX p_a ON p (a); CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE); INSERT INTO p VALUES (1, 1, 1); INSERT INTO c VALUES (1, 1)',
    )
    await inRevision(connection, async ({ schema, knex }) => {
      await schema.dropColumn('p', 'a')
      const drop = knex.schema.alterTable('p', (table) => table.dropColumn('b'))
      await expect(drop).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('dropColumn'),
      })
      await expect(schema.dropTable('p')).rejects.toMatchObject({ code: 'UNSAFE_REFUSED' })
    })
    expect(await connection.query('SELECT * FROM c')).toEqual([{ id: 1, p: 1 }])
    expect(await connection.query('SELECT * FROM p')).toEqual([{ id: 1, b: '1' }])
  })

  it('switches foreign keys off for one transaction, and leaves nothing of one that is rolled back', async () => {
    await using database = await openDatabase({ filename: join(folder, `${driver}-keys.db`), driver })
    await using connection = await database.connect({ signal })
    await connection.exec('CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p)')
    await connection.begin({ foreignKeys: 'off' })
    await connection.run('INSERT INTO c VALUES (7)')
    await connection.rollback()
    expect(await connection.query('SELECT * FROM c')).toEqual([])
    await expect(connection.run('INSERT INTO c VALUES (7)')).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
    await connection.begin()
    await expect(connection.run('INSERT INTO c VALUES (7)')).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
    await connection.rollback()
  })
})

describePostgres('PostgreSQL', () => {
  const database = useDatabase()
  sharedTests(() => database.url)

  it('opens a configuration', async () => {
    const { hostname, port, username, password, pathname } = new URL(database.url)
    const postgres = {
      host: hostname,
      port: Number(port),
      user: username,
      password: decodeURIComponent(password),
      database: pathname.slice(1),
    }
    await using opened = await openDatabase({ postgres })
    expect(opened.url).toContain(pathname)
    expect(await opened.query('SELECT 1 AS one', [], { signal })).toEqual([{ one: 1 }])
  })

  it('gives a statement up that waits for a lock, and refuses what cannot be in the transaction', async () => {
    await using opened = await openDatabase(database.url)
    await using one = await opened.connect({ signal })
    await using other = await opened.connect({ signal })
    await one.run('CREATE TABLE locked (id int)')
    await one.begin()
    await one.run('ALTER TABLE locked ADD a int')
    await other.begin({ lockTimeoutMs: 20 })
    await expect(other.query('SELECT * FROM locked')).rejects.toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
    await other.rollback()
    await one.rollback()
    await expect(
      inRevision(one, ({ sql }) => sql('CREATE INDEX CONCURRENTLY locked_id ON locked (id)')),
    ).rejects.toMatchObject({ code: 'REVISION_INVALID', message: expect.stringContaining("transaction: 'none'") })
  })
})

async function inRevision(connection: SchemaConnection, up: (context: MigrationContext) => unknown): Promise<void> {
  await connection.begin()
  try {
    await up(migrationContext(new LiveSteps({ connection, signal }), { signal }))
    await connection.commit()
  } finally {
    await connection.rollback()
  }
}

function sharedTests(location: () => SchemaLocation): void {
  let database: SchemaDatabase
  let connection: SchemaConnection
  beforeAll(async () => {
    database = await openDatabase(location())
    connection = await database.connect({ signal })
  })
  afterAll(async () => {
    await connection[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  it('gives what knex always gives', async () => {
    await inRevision(connection, async ({ knex, schema }) => {
      await schema.createTable('things', (table) => {
        table.increments('id')
        table.text('name').defaultTo('what?')
        table.bigInteger('size')
        table.json('data')
      })
      expect(await knex.schema.hasTable('things')).toBe(true)
      expect(await knex.schema.hasTable('nothings')).toBe(false)
      expect(await knex.schema.hasColumn('things', 'size')).toBe(true)
      expect(
        await knex('things')
          .insert([{ size: 1 }, { size: '9007199254740993' }])
          .returning(['id', 'name']),
      ).toEqual([
        { id: 1, name: 'what?' },
        { id: 2, name: 'what?' },
      ])
      expect(
        await knex('things')
          .insert({ name: '?', size: 3, data: { a: '?' } })
          .returning('id'),
      ).toEqual([{ id: 3 }])
      expect(await knex('things').pluck('id').orderBy('id')).toEqual([1, 2, 3])
      expect(await knex('things').first('size').where({ id: 2 })).toEqual({ size: 9007199254740993n })
      expect(await knex('things').first().where({ id: 99 })).toBeUndefined()
      expect(await knex('things').update({ name: 'b' }).where('id', '>', 1)).toBe(2)
      expect(await knex('things').where({ name: '?' }).count({ n: '*' }).first()).toEqual({ n: 0 })
      expect(await knex('things').where({ id: 1 }).del()).toBe(1)
      const inserted: unknown = await knex('things').insert({ name: 'b' })
      expect(inserted).toEqual(
        connection.dialect === 'sqlite' ? [4] : expect.objectContaining({ command: 'INSERT', rowCount: 1 }),
      )
      const raw: unknown = await knex.raw('SELECT ?? FROM things WHERE id = ?', ['name', 2])
      expect(connection.dialect === 'sqlite' ? raw : (raw as { rows: unknown }).rows).toEqual([{ name: 'b' }])
      expect(await knex('things').select('name').orderBy('id')).toEqual([{ name: 'b' }, { name: 'b' }, { name: 'b' }])
    })
  })

  it('refuses transactions and streams of knex, and statements that would end the transaction', async () => {
    await inRevision(connection, async ({ knex, sql }) => {
      const code = 'OPTION_INVALID'
      expect(() => knex.transaction(async () => {})).toThrow(expect.objectContaining({ code }))
      await expect(knex.batchInsert('things', [{ name: 'x' }])).rejects.toMatchObject({ code })
      const stream = async (): Promise<unknown> => {
        for await (const row of knex('things').stream()) return row
        return null
      }
      await expect(stream()).rejects.toMatchObject({ code })
      for (const text of ['COMMIT', 'BEGIN', 'SAVEPOINT a', '/* */ ROLLBACK']) {
        await expect(sql(text)).rejects.toMatchObject({ code })
      }
    })
  })

  it('runs several statements of one text, and gives the rows of the last one', async () => {
    await inRevision(connection, async ({ sql }) => {
      const rows = await sql(`CREATE TABLE texts (a text); INSERT INTO texts VALUES (';?');  SELECT a FROM texts;`)
      expect(rows).toEqual([{ a: ';?' }])
      expect(await sql(`INSERT INTO texts VALUES ('r') RETURNING a`)).toEqual([{ a: 'r' }])
    })
  })

  it('changes columns, indexes and views', async () => {
    await inRevision(connection, async ({ schema, knex, sql }) => {
      await sql('CREATE TABLE calls (id integer PRIMARY KEY, a text, b text, "c?" text)')
      await knex('calls').insert({ id: 1, a: 'x' })
      await schema.addColumn('calls', 'priority', {
        type: 'integer',
        nullable: false,
        default: 5,
        check: 'priority > 0',
      })
      await schema.addColumn('calls', 'is_open', { type: 'boolean', nullable: false, default: true })
      await schema.addColumn('calls', 'what', { type: 'text', default: "it's \\ why?" })
      await schema.addColumn('calls', 'parent', {
        type: 'integer',
        references: { table: 'calls', column: 'id', onDelete: 'cascade' },
      })
      await schema.renameColumn('calls', 'c?', 'd')
      await schema.createIndex('calls', {
        name: 'calls_a',
        columns: ['a', { sql: 'lower(b)' }],
        where: 'priority > 1',
        unique: true,
      })
      await schema.createIndex('calls', { name: 'calls_b', columns: ['b'] })
      await schema.createView('open_calls', 'SELECT id FROM calls')
      await schema.dropIndex('calls_b')
      await schema.dropIndex('calls_b', { ifExists: true })
      await schema.dropView('open_calls')
      await schema.dropColumn('calls', 'd', 'a')
      await schema.renameTable('calls', 'talks')
      const [row] = await sql('SELECT * FROM talks')
      expect(row).toMatchObject({ id: 1, priority: 5, what: "it's \\ why?", b: null })
      expect(Object.keys(row ?? {})).toEqual(['id', 'b', 'priority', 'is_open', 'what', 'parent'])
      await schema.dropTable('talks')
      await schema.dropTable('talks', { ifExists: true })
    })
  })

  it('leaves nothing of a revision that fails', async () => {
    const failing = inRevision(connection, async ({ sql }) => {
      await sql('CREATE TABLE gone (a text)')
      await sql('INSERT INTO nowhere VALUES (1)')
    })
    await expect(failing).rejects.toThrow('nowhere')
    await expect(database.query('SELECT * FROM gone', [], { signal })).rejects.toThrow('gone')
  })
}
