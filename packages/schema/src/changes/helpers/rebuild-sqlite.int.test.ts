import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareCatalogs } from '../../catalog/compare-catalogs.js'
import { readCatalog } from '../../catalog/read-catalog.js'
import type { Catalog } from '../../contracts/catalog.js'
import type { SchemaConnection, SchemaDatabase } from '../../contracts/database.js'
import type { RebuildOptions } from '../../contracts/schema-changes.js'
import { openDatabase } from '../../database/open-database.js'
import { LiveSteps } from '../../steps/live-steps.js'
import { recordMigration } from '../../steps/record-migration.js'
import { rebuildTable } from './rebuild-table.js'

const script = `
CREATE TABLE planners (planner_id VARCHAR(32) PRIMARY KEY, status TEXT NOT NULL);
CREATE TABLE workers (
  worker_id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
  planner_id VARCHAR(32) NOT NULL CONSTRAINT of_planner REFERENCES planners (planner_id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  task TEXT COLLATE NOCASE DEFAULT 'x, (y)' CHECK (length(task) < 50),
  parent INTEGER REFERENCES workers (worker_id),
  "odd name" ANY,
  CONSTRAINT one UNIQUE (planner_id, task) ON CONFLICT IGNORE
);
CREATE TABLE images (id INTEGER PRIMARY KEY, worker_id INTEGER NOT NULL REFERENCES workers (worker_id) ON DELETE CASCADE);
CREATE TABLE notes (body TEXT);
CREATE UNIQUE INDEX by_task ON workers (lower(task), planner_id DESC) WHERE task <> '';
CREATE VIEW busy AS SELECT worker_id, task FROM workers;
CREATE VIEW busier AS SELECT task FROM busy;
CREATE TRIGGER logged AFTER UPDATE OF task ON workers BEGIN INSERT INTO notes VALUES (old.task || ' became ' || new.task); END;
CREATE TRIGGER elsewhere AFTER DELETE ON notes BEGIN UPDATE workers SET task = 'gone'; END;
INSERT INTO planners VALUES ('p1', 'new'), ('p2', 'done');
INSERT INTO workers (worker_id, planner_id, task, parent, "odd name") VALUES (1, 'p1', 'a', NULL, 1.5), (2, 'p2', 'b', 1, x'00ff'), (40, 'p2', 'c', 1, 9007199254740993);
DELETE FROM workers WHERE worker_id = 40;
INSERT INTO images VALUES (1, 1), (2, 2), (3, 2);
INSERT INTO notes (rowid, body) VALUES (7, 'seven'), (9, 'nine');
`

let folder: string
let database: SchemaDatabase
let connection: SchemaConnection
const { signal } = new AbortController()

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'drover-rebuild-'))
  database = await openDatabase(path.join(folder, 'agent.db'))
  connection = await database.connect({ signal })
  await connection.exec(script)
})

afterEach(async () => {
  await connection[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const catalog = async (): Promise<Catalog> =>
  await readCatalog((sql, values) => connection.query(sql, values), 'sqlite')
const rows = async (sql: string): Promise<unknown[]> => [...(await connection.query(sql))]

async function rebuild(table: string, options: RebuildOptions): Promise<void> {
  await connection.begin({ foreignKeys: 'off' })
  try {
    await rebuildTable(new LiveSteps({ connection, foreignKeys: 'off', signal }), table, options)
    await connection.commit()
  } finally {
    await connection.rollback()
  }
}

describe('rebuildTable in SQLite', () => {
  it.each(['workers', 'planners', 'notes', 'images'])(
    'leaves everything of %s as it was, when nothing changes',
    async (table) => {
      const before = await catalog()
      const contents = await rows(`SELECT rowid AS "its rowid", * FROM ${table}`)
      await rebuild(table, {})
      expect(compareCatalogs(before, await catalog()).filter(({ object }) => object !== 'table')).toEqual([])
      expect(await rows(`SELECT rowid AS "its rowid", * FROM ${table}`)).toEqual(contents)
      expect(await rows('PRAGMA foreign_key_check')).toEqual([])
      expect(await rows('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
      expect(await rows('PRAGMA foreign_keys')).toEqual([{ foreign_keys: 1 }])
      expect(await rows('SELECT count(*) AS images FROM images')).toEqual([{ images: 3 }])
    },
  )

  it('keeps the number that AUTOINCREMENT gave last, and what fires and refers', async () => {
    await rebuild('workers', {})
    await connection.run("INSERT INTO workers (planner_id, task) VALUES ('p1', 'd')")
    expect(await rows("SELECT worker_id FROM workers WHERE task = 'd'")).toEqual([{ worker_id: 41 }])
    await connection.run("UPDATE workers SET task = 'e' WHERE worker_id = 2")
    expect(await rows("SELECT body FROM notes WHERE body LIKE 'b%'")).toEqual([{ body: 'b became e' }])
    await connection.run('DELETE FROM workers WHERE worker_id = 2')
    expect(await rows('SELECT id FROM images')).toEqual([{ id: 1 }])
  })

  it('adds, changes, drops and renames columns, and keeps what nobody spoke of', async () => {
    await connection.exec(
      'DROP VIEW busier; DROP VIEW busy; DROP TRIGGER logged; DROP TRIGGER elsewhere; DROP INDEX by_task',
    )
    await rebuild('workers', {
      rename: { task: 'description' },
      columns: {
        priority: { type: 'integer', default: 0, nullable: false },
        planner_id: { type: 'text', nullable: true },
        'odd name': null,
      },
      fill: { description: "upper(description) || '!'" },
      dropConstraints: ['one'],
      addConstraints: ['CONSTRAINT positive CHECK (priority >= 0)'],
    })
    const workers = (await catalog()).tables.find(({ name }) => name === 'workers')
    expect(
      workers?.columns.map(({ name, type, isNullable, identity, collation }) => ({
        name,
        type,
        isNullable,
        identity,
        collation,
      })),
    ).toEqual([
      { name: 'worker_id', type: 'INTEGER', isNullable: true, identity: 'autoincrement', collation: undefined },
      { name: 'planner_id', type: 'TEXT', isNullable: true, identity: undefined, collation: undefined },
      { name: 'description', type: 'TEXT', isNullable: true, identity: undefined, collation: 'NOCASE' },
      { name: 'parent', type: 'INTEGER', isNullable: true, identity: undefined, collation: undefined },
      { name: 'priority', type: 'INTEGER', isNullable: false, identity: undefined, collation: undefined },
    ])
    expect(workers).toMatchObject({
      uniques: [],
      checks: [{ expression: 'length("description") < 50' }, { name: 'positive', expression: 'priority >= 0' }],
      foreignKeys: [
        { name: 'of_planner', onDelete: 'set null', deferrable: 'deferred' },
        { columns: ['parent'], table: 'workers' },
      ],
    })
    expect(await rows('SELECT worker_id, description, priority FROM workers')).toEqual([
      { worker_id: 1, description: 'A!', priority: 0 },
      { worker_id: 2, description: 'B!', priority: 0 },
    ])
  })

  it('keeps the old table, and nothing refers to it', async () => {
    await rebuild('workers', { columns: { priority: { type: 'integer', default: 3 } }, keepOldAs: 'workers_v1' })
    const now = await catalog()
    expect(now.tables.find(({ name }) => name === 'images')?.foreignKeys).toMatchObject([{ table: 'workers' }])
    expect(now.tables.find(({ name }) => name === 'workers')?.foreignKeys[1]).toMatchObject({ table: 'workers' })
    expect(now.tables.find(({ name }) => name === 'workers')?.indexes.map(({ name }) => name)).toEqual(['by_task'])
    expect(now.triggers.map(({ name, table }) => `${name} ${table}`).sort()).toEqual([
      'elsewhere notes',
      'logged workers',
    ])
    expect(now.views.find(({ name }) => name === 'busy')?.reads).toEqual(['workers'])
    expect(
      await rows(
        'SELECT (SELECT count(*) FROM workers_v1) AS old, (SELECT count(*) FROM workers WHERE priority = 3) AS new',
      ),
    ).toEqual([{ old: 2, new: 2 }])
  })

  it('takes the whole new table, with another key and without row numbers', async () => {
    await rebuild('planners', {
      createSql:
        'CREATE TABLE planners (status TEXT NOT NULL, planner_id VARCHAR(32) NOT NULL, label TEXT, PRIMARY KEY (planner_id)) STRICT, WITHOUT ROWID'.replaceAll(
          'VARCHAR(32)',
          'TEXT',
        ),
      fill: { label: "planner_id || '/' || status" },
    })
    expect(await rows('SELECT * FROM planners')).toEqual([
      { status: 'new', planner_id: 'p1', label: 'p1/new' },
      { status: 'done', planner_id: 'p2', label: 'p2/done' },
    ])
    expect((await catalog()).tables.find(({ name }) => name === 'planners')).toMatchObject({
      isStrict: true,
      isWithoutRowid: true,
    })
  })

  it.each([
    ['a view', { columns: { task: null }, dropConstraints: ['one'] }, 'the view busy (no such column: task)'],
    ['an index', { columns: { task: null }, dropConstraints: ['one'] }, 'the index by_task (no such column: task)'],
  ])('refuses to drop what %s needs, and leaves everything as it was', async (kind, options, said) => {
    if (kind === 'a view') await connection.exec('DROP INDEX by_task; DROP TRIGGER logged; DROP TRIGGER elsewhere')
    const before = await catalog()
    await expect(rebuild('workers', options)).rejects.toThrow(said)
    expect(compareCatalogs(before, await catalog())).toEqual([])
    expect(await rows('SELECT count(*) AS workers FROM workers')).toEqual([{ workers: 2 }])
  })

  it('refuses to drop what triggers need, those of other tables too', async () => {
    await connection.exec('DROP INDEX by_task; DROP VIEW busier; DROP VIEW busy')
    const failure = rebuild('workers', { columns: { task: null }, dropConstraints: ['one'] })
    await expect(failure).rejects.toThrow(/the trigger elsewhere .*the trigger logged/)
  })

  it.each([
    ['a fill for no column', 'workers', { fill: { nothing: '1' } }, 'NAME_UNKNOWN'],
    ['a column that is not there', 'workers', { columns: { nothing: null } }, 'NAME_UNKNOWN'],
    ['a constraint that is not there', 'workers', { dropConstraints: ['nothing'] }, 'NAME_UNKNOWN'],
    ['a table that is not there', 'nothing', {}, 'NAME_UNKNOWN'],
    ['two ways at once', 'workers', { createSql: 'CREATE TABLE workers (a)', strict: true }, 'OPTION_INVALID'],
  ])('refuses %s', async (_, table, options, code) => {
    await expect(rebuild(table, options)).rejects.toMatchObject({ code })
  })

  it('refuses to work with foreign keys on, which would take the children along', async () => {
    await connection.begin()
    const failure = rebuildTable(new LiveSteps({ connection, signal }), 'workers', {})
    await expect(failure).rejects.toThrow('foreign keys are on')
    await connection.rollback()
    expect(await rows('SELECT count(*) AS images FROM images')).toEqual([{ images: 3 }])
  })

  it('shows in a preview that it takes place', async () => {
    const up = async ({
      schema,
    }: {
      readonly schema: { rebuildTable(name: string, options: RebuildOptions): Promise<void> }
    }) => schema.rebuildTable('workers', { strict: true })
    const steps = await recordMigration({ id: '001', up }, 'up', 'sqlite')
    expect(steps).toEqual([
      expect.objectContaining({
        kind: 'unseen',
        by: 'rebuildTable workers',
        about: expect.stringContaining('{"strict":true}'),
      }),
    ])
  })
})
