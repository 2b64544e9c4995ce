import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Row } from '@drover/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Migration } from '../contracts/migration.js'
import type { SchemaChanges } from '../contracts/schema-changes.js'
import { openDatabase } from '../database/open-database.js'
import { createMigrator } from '../migrator/create-migrator.js'

type Change = (schema: SchemaChanges) => Promise<void>
type Driver = 'better-sqlite3' | 'sqlite3'

const assured: NonNullable<Migration['assured']> = { 'column-dropped': 'a test', 'column-renamed': 'a test' }

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-schema-odd-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Applies the change to tables made by the script, and takes it back if there is a way; then gives what the queries find. */
async function outcome(
  script: string,
  { up, down, driver = 'better-sqlite3' }: { readonly up: Change; readonly down?: Change; readonly driver?: Driver },
  ...queries: readonly string[]
): Promise<(readonly Row[])[]> {
  const location = { filename: join(folder, `${++files}.db`), driver }
  await using database = await openDatabase(location)
  await using connection = await database.connect({ signal: new AbortController().signal })
  await connection.exec(script)
  const migration: Migration = {
    id: '001_odd',
    assured,
    up: ({ schema }) => up(schema),
    ...(down === undefined ? {} : { down: ({ schema }) => down(schema) }),
  }
  await using migrator = createMigrator({ connection: location, migrations: [migration] })
  await migrator.up()
  if (down !== undefined) await migrator.down({ to: 'base', acceptLoss: true })
  const found = []
  for (const query of queries) found.push(await connection.query(query))
  return found
}

const textOf = (table: string): string => `SELECT sql FROM sqlite_schema WHERE name = '${table}'`

describe('tables of SQLite with odd names and texts', () => {
  it('takes a dot, a blank and quotes for parts of a name', async () => {
    const name = `a.b "c' d`
    const quoted = `"a.b ""c' d"`
    const up: Change = async (schema) => {
      await schema.rebuildTable(name, {})
      await schema.addColumn(name, 'e.f', { type: 'text', default: "it's" })
    }
    const script = `CREATE TABLE ${quoted} (id INTEGER PRIMARY KEY); CREATE TABLE child (id INTEGER PRIMARY KEY, p REFERENCES ${quoted} ON DELETE CASCADE);
INSERT INTO ${quoted} VALUES (1); INSERT INTO child VALUES (1, 1)`
    expect(await outcome(script, { up }, `SELECT * FROM ${quoted}`, 'SELECT * FROM child')).toEqual([
      [{ id: 1, 'e.f': "it's" }],
      [{ id: 1, p: 1 }],
    ])
  })

  it('takes a column back that only a new table can lose, and keeps what refers to the rows', async () => {
    const script = `CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p ON DELETE CASCADE); INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)`
    const up: Change = (schema) => schema.addColumn('p', 'u', { type: 'text', unique: true })
    const down: Change = (schema) => schema.dropColumn('p', 'u')
    expect(await outcome(script, { up, down }, 'SELECT * FROM p', 'SELECT * FROM c')).toEqual([[{ id: 1 }], [{ p: 1 }]])
  })

  it('drops the indexes of a column, and not those that only sound like it', async () => {
    const script = `CREATE TABLE t (a, "desc", "lower"); CREATE INDEX i1 ON t (a DESC); CREATE INDEX i2 ON t (lower(a)); CREATE INDEX i3 ON t ("desc"); CREATE INDEX i4 ON t (lower)`
    const up: Change = (schema) => schema.dropColumn('t', 'desc', 'lower')
    const query = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 't'"
    expect(await outcome(script, { up }, query)).toEqual([[{ name: 'i1' }, { name: 'i2' }]])
  })

  it('translates no type, and changes no default, that it is not asked to change', async () => {
    const script = `CREATE TABLE t (a JSON, b BIGINT PRIMARY KEY, c TEXT DEFAULT "x y"); INSERT INTO t VALUES (45, 1, 'c')`
    const up: Change = async (schema) => {
      await schema.alterColumn('t', 'a', { default: 1 })
      await schema.alterColumn('t', 'b', { nullable: false })
      await schema.alterColumn('t', 'c', { nullable: false })
    }
    const [values, text] = await outcome(script, { up }, 'SELECT typeof(a) AS a FROM t', textOf('t'))
    expect(values).toEqual([{ a: 'integer' }])
    expect(text?.[0]?.sql).toMatch(
      /"a" JSON DEFAULT 1,\s+"b" BIGINT NOT NULL PRIMARY KEY,\s+"c" TEXT DEFAULT "x y" NOT NULL/,
    )
  })

  it('bears checks that name their table, and names of columns that read like constraints', async () => {
    const script = `CREATE TABLE t ("PRIMARY KEY" INTEGER PRIMARY KEY, b NOT NULL, CHECK (t.b <> 't.b'), CHECK ("t"."b" > 0)); INSERT INTO t VALUES (5, 1)`
    const up: Change = (schema) => schema.rebuildTable('t', { primaryKey: ['b'] })
    const [values, text] = await outcome(script, { up }, 'SELECT * FROM t', textOf('t'))
    expect(values).toEqual([{ 'PRIMARY KEY': 5, b: 1 }])
    expect(text?.[0]?.sql).toMatch(
      /"PRIMARY KEY" INTEGER,\s+b NOT NULL,\s+CHECK \(b <> 't.b'\),\s+CHECK \("b" > 0\),\s+PRIMARY KEY \("b"\)/,
    )
  })
})

describe('what a change of SQLite would leave broken', () => {
  const script = `CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT); CREATE UNIQUE INDEX p_code ON p (code); CREATE TABLE c (code REFERENCES p (code))`

  it.each<[string, Change]>([
    ['a column', (schema) => schema.dropColumn('p', 'code')],
    ['an index', (schema) => schema.dropIndex('p_code')],
    ['a column of a table made anew', (schema) => schema.rebuildTable('p', { columns: { code: null } })],
  ])('refuses to drop %s that a foreign key needs', async (_, up) => {
    await expect(outcome(script, { up })).rejects.toThrow(/the foreign key \(code\) of c|p_code/)
  })

  // One of them takes "b" for a text where there is no such column, the other does not.
  describe.each<Driver>(['better-sqlite3', 'sqlite3'])('with %s', (driver) => {
    const drop: Change = (schema) => schema.dropColumn('t', 'b')
    const rebuild: Change = (schema) => schema.rebuildTable('t', { columns: { b: null } })
    it.each<[string, string, Change]>([
      ['a view', 'CREATE VIEW v AS SELECT "a", "b" FROM t', drop],
      ['a view of a table made anew', 'CREATE VIEW v AS SELECT "a", "b" FROM t', rebuild],
      ['an index', 'CREATE INDEX i ON t (a) WHERE "b" IS NULL', rebuild],
      ['a check', 'ALTER TABLE t ADD COLUMN c CHECK (c <> "b")', rebuild],
      ['a trigger', 'CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM l WHERE x = new."b"; END', drop],
      ['a trigger elsewhere', 'CREATE TRIGGER g AFTER INSERT ON l BEGIN UPDATE t SET a = 1 WHERE "b" = 1; END', drop],
    ])('refuses to drop a column that %s names in double quotes', async (_, dependent, up) => {
      const tables = 'CREATE TABLE l (x); CREATE TABLE t (a INTEGER, "b" TEXT)'
      await expect(outcome(`${tables}; ${dependent}`, { up, driver })).rejects.toThrow(/no such column/)
    })
  })
})

describe('rows that go along with rows that come in', () => {
  const script = `CREATE TABLE p (id INTEGER PRIMARY KEY, u UNIQUE); CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE);
CREATE TABLE n (x); CREATE TRIGGER g AFTER INSERT ON n BEGIN DELETE FROM c; END;
INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO c VALUES (1, 1), (2, 2)`

  it.each([
    ['REPLACE INTO p VALUES (1, 1)', 'c had 2 rows and has 1'],
    ['INSERT OR REPLACE INTO p VALUES (1, 2)', 'p had 2 rows and has 1'],
    ['INSERT INTO n VALUES (1)', 'c had 2 rows and has 0'],
  ])('%s', async (sql, said) => {
    const filename = join(folder, `${++files}.db`)
    await using database = await openDatabase(filename)
    await using connection = await database.connect({ signal: new AbortController().signal })
    await connection.exec(script)
    const migration: Migration = { id: '001_rows', up: async (context) => void (await context.sql(sql)) }
    await using migrator = createMigrator({ connection: filename, migrations: [migration] })
    await expect(migrator.up()).rejects.toThrow(said)
    expect(await connection.query('SELECT count(*) AS rows FROM c')).toEqual([{ rows: 2 }])
  })
})
