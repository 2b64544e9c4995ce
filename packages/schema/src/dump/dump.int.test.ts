import { expect, it } from 'vitest'
import { compareCatalogs } from '../catalog/compare-catalogs.js'
import { readCatalog } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import { openDatabase } from '../database/open-database.js'
import { defineMigration } from '../migration/define-migration.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { describeBoth, type TestStore } from '../migrator/testing/both-databases.js'
import { dump } from './dump.js'
import { load } from './load.js'

const tables = {
  sqlite: `
CREATE TABLE zebras (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL DEFAULT 'a; b' CHECK (name <> ';'));
CREATE TABLE apples (id INTEGER PRIMARY KEY, zebra INTEGER REFERENCES zebras ON DELETE CASCADE, body TEXT);
CREATE UNIQUE INDEX by_body ON apples (lower(body)) WHERE body IS NOT NULL;
CREATE VIEW many AS SELECT zebra, count(*) AS n FROM apples GROUP BY zebra;
CREATE VIEW few AS SELECT * FROM many WHERE n < 3;
CREATE TRIGGER kept AFTER DELETE ON apples BEGIN UPDATE zebras SET name = 'x;'; INSERT INTO apples (id) VALUES (old.id); END;`,
  postgres: `
CREATE TYPE mood AS ENUM ('good', 'it''s bad');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'a;'; RETURN NEW; END $$;
CREATE TABLE zebras (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL DEFAULT 'a; b' CHECK (name <> ';'), mood mood);
CREATE TABLE apples (id serial PRIMARY KEY, zebra bigint REFERENCES zebras ON DELETE CASCADE, body text);
CREATE UNIQUE INDEX by_body ON apples (lower(body)) WHERE body IS NOT NULL;
CREATE VIEW many AS SELECT zebra, count(*) AS n FROM apples GROUP BY zebra;
CREATE VIEW few AS SELECT * FROM many WHERE n < 3;
CREATE TRIGGER touched BEFORE UPDATE ON zebras FOR EACH ROW EXECUTE FUNCTION touch();`,
}

describeBoth('a dump', (store) => {
  const { signal } = new AbortController()

  const emptied = async (): Promise<void> => {
    const { dialect } = store()
    if (dialect === 'postgres') return store().exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    const rows = await store().query(
      `SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'`,
    )
    await store().exec(
      ['PRAGMA foreign_keys = OFF', ...rows.map(({ type, name }) => `DROP ${String(type)} "${String(name)}"`)].join(
        ';',
      ),
    )
  }

  it('makes the same schema in an empty database, and is the same then', async () => {
    await store().exec(tables[store().dialect])
    const before = await catalog(store())
    const { sql, missing } = await dump(store().location)
    expect(missing).toEqual([])
    await emptied()
    await load(store().location, sql)
    expect(compareCatalogs(before, await catalog(store()))).toEqual([])
    expect((await dump(store().location)).sql).toBe(sql)
    expect(sql.indexOf('apples')).toBeLessThan(sql.indexOf('zebras'))
  })

  it('is loaded into an empty database only, and leaves nothing of a text that fails', async () => {
    const made = 'CREATE TABLE one (a text); CREATE TABLE two (a text)'
    await expect(load(store().location, `${made}; CREATE TABLE two (a text)`)).rejects.toThrow('two')
    await expect(load(store().location, `${made}; COMMIT`)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await load(store().location, made)
    await expect(load(store().location, made)).rejects.toMatchObject({
      code: 'UNSAFE_REFUSED',
      message: expect.stringContaining('it has one, two'),
    })
  })

  it('carries the journal if it is asked to, so that nothing is applied twice', async () => {
    const migrations = [
      defineMigration({
        id: '001_things',
        description: "it's a ?",
        up: ({ schema }) => schema.createTable('things', { columns: { a: { type: 'text' } } }),
      }),
    ]
    const migrate = async () => {
      await using migrator = createMigrator({ connection: store().location, migrations })
      return { status: await migrator.status(), events: await migrator.events(), up: await migrator.up() }
    }
    await migrate()
    const without = await dump(store().location)
    expect(without.sql).not.toContain('drover_')
    const { sql } = await dump(store().location, { journal: true })
    expect(sql).toContain("it''s a ?")
    expect(sql).not.toContain('drover_runs')
    const { events } = await migrate()
    await emptied()
    await load(store().location, sql)
    const again = await migrate()
    expect(again.status).toMatchObject({ current: ['001_things'], pending: [] })
    expect(again.events).toEqual(events)
    expect(again.up.revisions).toEqual([])
  })

  async function catalog({ dialect, location }: TestStore): Promise<Catalog> {
    await using database = await openDatabase(location)
    return await readCatalog((sql, values = []) => database.query(sql, values, { signal }), dialect)
  }
})
