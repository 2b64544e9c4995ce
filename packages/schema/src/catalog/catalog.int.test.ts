import { createDatabase } from '@drover-internal/postgres-server'
import { describePostgres, serverUrl } from '@drover-internal/postgres-server/vitest'
import Database from 'better-sqlite3'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import type { Catalog } from '../contracts/catalog.js'
import { catalogSql } from './catalog-sql.js'
import { compareCatalogs } from './compare-catalogs.js'
import { foreignKeyChildren } from './foreign-key-children.js'
import { type Read, readCatalog, withoutTables } from './read-catalog.js'
import { rowCounts } from './row-counts.js'

function sqlite(script: string): { database: Database.Database; read: Read } {
  const database = new Database(':memory:')
  database.exec(script)
  return { database, read: async (sql, values = []) => database.prepare(sql).all(...values) as never }
}

const agentTables = `
CREATE TABLE planners (planner_id VARCHAR(32) PRIMARY KEY, "user question" TEXT COLLATE NOCASE NOT NULL, status VARCHAR(50) DEFAULT 'new; (x)' NOT NULL);
CREATE TABLE workers (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- the "id", (of course)
  planner_id VARCHAR(32) NOT NULL CONSTRAINT of_planner REFERENCES planners (planner_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  Code TEXT UNIQUE,
  attempts INTEGER DEFAULT (1 + 1) CHECK (attempts < 10),
  twice INTEGER GENERATED ALWAYS AS (attempts * 2) STORED,
  CONSTRAINT "code and planner" UNIQUE (planner_id, Code),
  CONSTRAINT short CHECK (length(Code) < 5),
  FOREIGN KEY (planner_id) REFERENCES planners
);
CREATE TABLE notes (a ANY, b TEXT, PRIMARY KEY (b, a)) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX of_status ON planners (status, "user question" DESC) WHERE status <> 'gone';
CREATE INDEX lower_code ON workers (lower(Code));
CREATE VIEW busy AS SELECT w.id FROM workers w JOIN planners USING (planner_id);
CREATE VIEW busier AS SELECT * FROM busy;
CREATE TRIGGER kept AFTER DELETE ON workers BEGIN INSERT INTO notes (a, b) VALUES (1, old.id); END;
`

describe('the catalog of SQLite', () => {
  it('says what the statements say and the pragmas do not', async () => {
    const { read } = sqlite(agentTables)
    const catalog = await readCatalog(read, 'sqlite')
    const workers = catalog.tables.find(({ name }) => name === 'workers')
    expect(workers).toMatchObject({
      primaryKey: ['id'],
      uniques: [{ columns: ['Code'] }, { name: 'code and planner', columns: ['planner_id', 'Code'] }],
      checks: [{ expression: 'attempts < 10' }, { name: 'short', expression: 'length(Code) < 5' }],
      foreignKeys: [
        {
          name: 'of_planner',
          columns: ['planner_id'],
          table: 'planners',
          references: ['planner_id'],
          onDelete: 'cascade',
          deferrable: 'deferred',
        },
        { columns: ['planner_id'], table: 'planners', references: ['planner_id'], onDelete: 'no action' },
      ],
      indexes: [{ name: 'lower_code', keys: ['lower(Code)'] }],
    })
    expect(workers?.columns.map(({ name, identity, generated }) => [name, identity, generated?.expression])).toEqual([
      ['id', 'autoincrement', undefined],
      ['planner_id', undefined, undefined],
      ['Code', undefined, undefined],
      ['attempts', undefined, undefined],
      ['twice', undefined, 'attempts * 2'],
    ])
    const planners = catalog.tables.find(({ name }) => name === 'planners')
    expect(planners?.indexes).toMatchObject([
      { keys: ['status', '"user question" DESC'], where: "status <> 'gone'", isUnique: true },
    ])
    expect(planners?.columns[1]).toMatchObject({ name: 'user question', collation: 'NOCASE', isNullable: false })
    expect(catalog.tables.find(({ name }) => name === 'notes')).toMatchObject({
      primaryKey: ['b', 'a'],
      isStrict: true,
      isWithoutRowid: true,
    })
    expect(catalog.views.map(({ name, reads }) => [name, reads])).toEqual([
      ['busy', ['planners', 'workers']],
      ['busier', ['busy']],
    ])
    expect(foreignKeyChildren(catalog, 'PLANNERS')).toEqual(['workers'])
  })

  it('makes the same schema anew', async () => {
    const { read } = sqlite(agentTables)
    const catalog = await readCatalog(read, 'sqlite')
    const { beforeRows, behindRows, missing } = catalogSql(catalog)
    expect(missing).toEqual([])
    const copy = sqlite([...beforeRows, ...behindRows].map((each) => `${each};`).join('\n'))
    expect(compareCatalogs(catalog, await readCatalog(copy.read, 'sqlite'))).toEqual([])
  })
})

const callTables = `
CREATE SCHEMA chat;
CREATE TYPE mood AS ENUM ('good', 'it''s bad');
CREATE SEQUENCE tickets START 7 INCREMENT 3;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TABLE calls (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 5) PRIMARY KEY,
  call_id varchar(255) NOT NULL CONSTRAINT one_call UNIQUE,
  mood mood DEFAULT 'good',
  cost numeric(10,2) CHECK (cost >= 0),
  ticket integer DEFAULT nextval('tickets'),
  number serial,
  label text COLLATE "C",
  twice numeric GENERATED ALWAYS AS (cost * 2) STORED,
  updated_at timestamptz DEFAULT now()
);
COMMENT ON TABLE calls IS 'every call, it''s said';
COMMENT ON COLUMN calls.cost IS 'in euro';
CREATE TABLE chat."Odd Messages" (
  id integer PRIMARY KEY, call_id varchar(255) REFERENCES calls (call_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, body jsonb
);
ALTER TABLE chat."Odd Messages" ADD CONSTRAINT later CHECK (body IS NOT NULL) NOT VALID;
CREATE INDEX by_cost ON calls (cost DESC NULLS LAST, lower(label)) INCLUDE (number) WHERE cost > 1;
CREATE INDEX by_body ON chat."Odd Messages" USING gin (body);
CREATE VIEW cheap AS SELECT c.call_id, m.body FROM calls c JOIN chat."Odd Messages" m USING (call_id) WHERE c.cost < 1;
CREATE MATERIALIZED VIEW cheapest AS SELECT * FROM cheap;
CREATE TRIGGER touched BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION touch();
CREATE DOMAIN short AS text CHECK (length(VALUE) < 5);
`

async function postgresCatalog(script: readonly string[]): Promise<Catalog> {
  await using database = await createDatabase(serverUrl())
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    for (const each of script) await client.query(each)
    return await readCatalog(async (sql, values = []) => (await client.query(sql, [...values])).rows, 'postgres')
  } finally {
    await client.end()
  }
}

describePostgres('the catalog of PostgreSQL', () => {
  it('says what is there, and what it has no words for', async () => {
    const catalog = await postgresCatalog([callTables])
    const [calls, messages] = catalog.tables
    expect(calls).toMatchObject({
      name: 'calls',
      primaryKey: ['id'],
      uniques: [{ name: 'one_call', columns: ['call_id'] }],
      comment: "every call, it's said",
      indexes: [{ name: 'by_cost', include: ['number'], method: 'btree', isValid: true }],
    })
    expect(calls?.columns.map(({ name, identity }) => [name, identity]).filter(([, identity]) => identity)).toEqual([
      ['id', 'always'],
      ['number', 'serial'],
    ])
    expect(messages).toMatchObject({
      name: 'chat.Odd Messages',
      checks: [{ name: 'later', isValid: false }],
      foreignKeys: [{ table: 'calls', onDelete: 'cascade', deferrable: 'deferred', isValid: true }],
    })
    expect(catalog.views.map(({ name, reads, isMaterialized }) => ({ name, reads, isMaterialized }))).toEqual([
      { name: 'cheap', reads: ['calls', 'chat.Odd Messages'], isMaterialized: false },
      { name: 'cheapest', reads: ['cheap'], isMaterialized: true },
    ])
    expect(catalog.enums).toEqual([{ name: 'mood', values: ['good', "it's bad"] }])
    expect(catalog.others.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'schema chat',
      'domain short',
      'function touch()',
    ])
    expect(foreignKeyChildren(catalog, 'calls')).toEqual(['chat.Odd Messages'])
  })

  it('makes the same schema anew, and says what it cannot make', async () => {
    const catalog = await postgresCatalog([callTables])
    const { beforeRows, behindRows, missing } = catalogSql(catalog)
    expect(missing).toEqual([{ kind: 'domain', name: 'short' }])
    const copy = await postgresCatalog([...beforeRows, ...behindRows])
    expect(compareCatalogs(catalog, copy)).toMatchObject([{ change: 'removed', object: 'other', name: 'domain short' }])
  })
})

describe('compareCatalogs', () => {
  it('names what was added, removed and changed, and does not repeat what comes with a table', async () => {
    const from = await readCatalog(
      sqlite('CREATE TABLE a (b INTEGER, c TEXT); CREATE INDEX i ON a (b); CREATE TABLE gone (x)').read,
      'sqlite',
    )
    const to = await readCatalog(
      sqlite('CREATE TABLE a (b TEXT, d TEXT); CREATE TABLE made (x); CREATE INDEX j ON made (x)').read,
      'sqlite',
    )
    expect(
      compareCatalogs(from, to).map(({ change, object, table, name, properties }) => ({
        change,
        object,
        table,
        name,
        properties,
      })),
    ).toEqual([
      { change: 'changed', object: 'column', table: 'a', name: 'b', properties: ['type'] },
      { change: 'added', object: 'column', table: 'a', name: 'd', properties: [] },
      { change: 'added', object: 'table', table: undefined, name: 'made', properties: [] },
      { change: 'removed', object: 'column', table: 'a', name: 'c', properties: [] },
      { change: 'removed', object: 'index', table: 'a', name: 'i', properties: [] },
      { change: 'removed', object: 'table', table: undefined, name: 'gone', properties: [] },
    ])
  })
})

it('counts rows, and leaves tables out', async () => {
  const { read } = sqlite(
    `${agentTables} INSERT INTO planners (planner_id, "user question") VALUES ('a', 'b'), ('c', 'd');`,
  )
  expect(await rowCounts(read, ['planners', 'workers'], 'sqlite')).toEqual(
    new Map([
      ['planners', 2],
      ['workers', 0],
    ]),
  )
  const left = withoutTables(await readCatalog(read, 'sqlite'), (table) => table === 'workers')
  expect([left.tables.map(({ name }) => name), left.triggers]).toEqual([['planners', 'notes'], []])
})
