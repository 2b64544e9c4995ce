import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { compareCatalogs } from '../../catalog/compare-catalogs.js'
import { readCatalog } from '../../catalog/read-catalog.js'
import type { Catalog } from '../../contracts/catalog.js'
import type { SchemaConnection, SchemaDatabase } from '../../contracts/database.js'
import type { RebuildOptions } from '../../contracts/schema-changes.js'
import { openDatabase } from '../../database/open-database.js'
import { LiveSteps } from '../../steps/live-steps.js'
import { PreviewSteps } from '../../steps/preview-steps.js'
import { rebuildTable } from './rebuild-table.js'

const script = `
DROP SCHEMA IF EXISTS chat CASCADE; CREATE SCHEMA chat;
CREATE TYPE chat.mood AS ENUM ('good', 'bad');
CREATE TABLE chat.planners (planner_id serial PRIMARY KEY, label text UNIQUE);
CREATE TABLE chat.workers (
  worker_id integer GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME chat.numbers INCREMENT BY 5) CONSTRAINT workers_key PRIMARY KEY,
  nr bigserial,
  planner_id integer NOT NULL CONSTRAINT of_planner REFERENCES chat.planners ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  task varchar(50) COLLATE "C" DEFAULT 'x, (y)' CHECK (length(task) < 50),
  parent integer REFERENCES chat.workers,
  mood chat.mood DEFAULT 'good',
  "odd name" jsonb,
  size integer GENERATED ALWAYS AS (length(task)) STORED,
  CONSTRAINT one UNIQUE (planner_id, task),
  EXCLUDE USING btree (nr WITH =)
) WITH (fillfactor = 70);
CREATE TABLE chat.images (id integer PRIMARY KEY, worker_id integer NOT NULL CONSTRAINT of_worker REFERENCES chat.workers ON DELETE CASCADE);
CREATE TABLE chat.notes (body text);
CREATE UNIQUE INDEX by_task ON chat.workers (lower(task), planner_id DESC) INCLUDE (mood) WHERE mood <> 'bad';
ALTER TABLE chat.workers CLUSTER ON workers_key;
CREATE STATISTICS chat.related ON planner_id, task FROM chat.workers;
ALTER TABLE chat.workers ALTER COLUMN task SET STATISTICS 300;
ALTER TABLE chat.workers ADD CONSTRAINT later CHECK (nr > 0) NOT VALID;
COMMENT ON TABLE chat.workers IS 'who works';
COMMENT ON COLUMN chat.workers.task IS 'what it''s about';
COMMENT ON CONSTRAINT one ON chat.workers IS 'once';
COMMENT ON INDEX chat.by_task IS 'found';
CREATE VIEW chat.busy AS SELECT worker_id, task FROM chat.workers;
CREATE VIEW chat.numbered AS SELECT nr FROM chat.workers;
CREATE VIEW chat.busier WITH (security_barrier) AS SELECT task FROM chat.busy;
CREATE MATERIALIZED VIEW chat.counted AS SELECT count(*) AS rows FROM chat.workers;
CREATE UNIQUE INDEX counted_once ON chat.counted (rows);
COMMENT ON VIEW chat.busy IS 'busy ones';
CREATE FUNCTION chat.log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO chat.notes VALUES (old.task || ' became ' || new.task); RETURN new; END $$;
CREATE TRIGGER logged AFTER UPDATE OF task ON chat.workers FOR EACH ROW EXECUTE FUNCTION chat.log();
CREATE TRIGGER silent BEFORE INSERT ON chat.workers FOR EACH ROW EXECUTE FUNCTION chat.log();
ALTER TABLE chat.workers DISABLE TRIGGER silent;
CREATE TRIGGER through INSTEAD OF UPDATE ON chat.busy FOR EACH ROW EXECUTE FUNCTION chat.log();
GRANT SELECT, UPDATE (task) ON chat.workers TO pg_monitor WITH GRANT OPTION;
GRANT INSERT ON chat.workers TO PUBLIC;
GRANT SELECT ON chat.busy TO PUBLIC;
GRANT USAGE ON SEQUENCE chat.numbers TO pg_monitor;
INSERT INTO chat.planners (label) VALUES ('p1'), ('p2');
INSERT INTO chat.workers (nr, planner_id, task, parent, mood) VALUES (10, 1, 'a', NULL, 'good'), (11, 2, 'b', 1, 'bad'), (12, 2, 'c', 1, NULL);
DELETE FROM chat.workers WHERE task = 'c';
INSERT INTO chat.images VALUES (1, 1), (2, 6), (3, 6);
`
const { signal } = new AbortController()

describePostgres('rebuildTable in PostgreSQL', () => {
  const server = useDatabase()
  let database: SchemaDatabase
  let connection: SchemaConnection

  beforeAll(async () => {
    database = await openDatabase(server.url)
    connection = await database.connect({ signal })
  })
  const changed = { schema: true }
  /** Only where a test before has left it another one. */
  beforeEach(async () => {
    if (changed.schema) await connection.exec(script)
    changed.schema = false
  })
  afterAll(async () => {
    await connection[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const catalog = (): Promise<Catalog> => readCatalog((sql, values) => connection.query(sql, values), 'postgres')
  const rows = async (sql: string): Promise<unknown[]> => [...(await connection.query(sql))]
  /** What a catalog has no words for. */
  const rest = async (): Promise<unknown[]> => [
    await rows(
      `SELECT relname, reloptions, relacl::text, relpersistence FROM pg_class AS c WHERE relnamespace = 'chat'::regnamespace AND relkind IN ('r', 'v', 'm', 'S') ORDER BY relname`,
    ),
    await rows(
      `SELECT c.relname, attname, attacl::text, attstattarget FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = attrelid WHERE relnamespace = 'chat'::regnamespace AND relkind IN ('r', 'v', 'm') AND attnum > 0 ORDER BY 1, attnum`,
    ),
    await rows(
      `SELECT pg_describe_object(classoid, objoid, objsubid) AS what, description FROM pg_description WHERE pg_describe_object(classoid, objoid, objsubid) ~ 'chat|by_task' ORDER BY 1`,
    ),
    await rows(
      `SELECT tgname, tgenabled FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid WHERE relnamespace = 'chat'::regnamespace AND NOT tgisinternal ORDER BY 1`,
    ),
    await rows(
      `SELECT i.relname, indisclustered FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid WHERE relnamespace = 'chat'::regnamespace ORDER BY 1`,
    ),
    await rows(
      `SELECT conname, contype, condeferred, convalidated FROM pg_constraint WHERE connamespace = 'chat'::regnamespace ORDER BY 1`,
    ),
  ]

  async function rebuild(table: string, options: RebuildOptions): Promise<void> {
    await connection.begin()
    try {
      await rebuildTable(new LiveSteps({ connection, signal }), table, options)
      await connection.commit()
    } finally {
      await connection.rollback()
    }
  }

  it.each(['chat.workers', 'chat.planners', 'chat.images', 'chat.notes'])(
    'leaves everything of %s as it was, when nothing changes',
    async (table) => {
      const [before, about, contents] = [await catalog(), await rest(), await rows(`SELECT * FROM ${table}`)]
      await rebuild(table, {})
      expect(compareCatalogs(before, await catalog())).toEqual([])
      expect(await rest()).toEqual(about)
      expect(await rows(`SELECT * FROM ${table}`)).toEqual(contents)
      expect(await rows('SELECT count(*)::int AS images FROM chat.images')).toEqual([{ images: 3 }])
    },
  )

  it('goes on counting, firing, referring and showing', async () => {
    changed.schema = true
    await rebuild('chat.workers', {})
    await connection.run("INSERT INTO chat.workers (planner_id, task) VALUES (1, 'd')")
    expect(await rows("SELECT worker_id, nr::int FROM chat.workers WHERE task = 'd'")).toEqual([
      { worker_id: 16, nr: 1 },
    ])
    await connection.run("UPDATE chat.workers SET task = 'e' WHERE worker_id = 6")
    expect(await rows('SELECT body FROM chat.notes')).toEqual([{ body: 'b became e' }])
    expect(await rows('SELECT task FROM chat.busier ORDER BY 1')).toEqual([{ task: 'a' }, { task: 'd' }, { task: 'e' }])
    await connection.run('DELETE FROM chat.workers WHERE worker_id = 6')
    expect(await rows('SELECT id FROM chat.images')).toEqual([{ id: 1 }])
    await connection.run('DELETE FROM chat.planners WHERE planner_id = 1')
    expect(await rows('SELECT id FROM chat.images')).toEqual([])
  })

  it('adds, changes, drops and renames columns, and keeps what nobody spoke of', async () => {
    changed.schema = true
    await rebuild('chat.workers', {
      rename: { task: 'description' },
      columns: {
        priority: { type: 'integer', default: 3, nullable: false },
        planner_id: { type: 'bigint' },
        'odd name': null,
      },
      fill: { description: "upper(description) || '!'" },
      dropConstraints: ['one'],
      addConstraints: ['CONSTRAINT positive CHECK (priority >= 0)'],
    })
    const workers = (await catalog()).tables.find(({ name }) => name === 'chat.workers')
    expect(workers?.columns.map(({ name, type, isNullable }) => `${name} ${type} ${isNullable}`)).toEqual([
      'worker_id integer false',
      'nr bigint false',
      'planner_id bigint true',
      'description character varying(50) true',
      'parent integer true',
      'mood chat.mood true',
      'size integer true',
      'priority integer false',
    ])
    expect(workers).toMatchObject({ primaryKeyName: 'workers_key', uniques: [], comment: 'who works' })
    expect(workers?.checks.map(({ name }) => name).sort()).toEqual(['later', 'positive', 'workers_task_check'])
    expect(workers?.indexes.map(({ name }) => name)).toContain('chat.by_task')
    expect(await rows('SELECT task FROM chat.busy ORDER BY 1')).toEqual([{ task: 'A!' }, { task: 'B!' }])
    expect(await rows('SELECT DISTINCT priority FROM chat.workers')).toEqual([{ priority: 3 }])
  })

  it('keeps the old table, and nothing refers to it or is taken from it', async () => {
    changed.schema = true
    const [before, about] = [await catalog(), await rest()]
    await rebuild('chat.workers', { keepOldAs: 'workers_v1' })
    const now = await catalog()
    const old = now.tables.find(({ name }) => name === 'chat.workers_v1')
    expect(old).toMatchObject({ foreignKeys: [] })
    expect(await rows('SELECT count(*)::int AS old FROM chat.workers_v1')).toEqual([{ old: 2 }])
    await connection.exec('DROP TABLE chat.workers_v1')
    expect(compareCatalogs(before, await catalog())).toEqual([])
    expect(await rest()).toEqual(about)
  })

  it('takes the whole new table', async () => {
    changed.schema = true
    await rebuild('chat.planners', {
      createSql: 'CREATE TABLE planners (label text NOT NULL UNIQUE, planner_id serial PRIMARY KEY, more text)',
      fill: { more: "label || '/' || planner_id" },
    })
    expect(await rows('SELECT * FROM chat.planners ORDER BY 1')).toEqual([
      { label: 'p1', planner_id: 1, more: 'p1/1' },
      { label: 'p2', planner_id: 2, more: 'p2/2' },
    ])
    expect(await rows("INSERT INTO chat.planners (label) VALUES ('p3') RETURNING planner_id")).toEqual([
      { planner_id: 3 },
    ])
    const planners = (await catalog()).tables.find(({ name }) => name === 'chat.planners')
    expect(planners).toMatchObject({ primaryKeyName: 'planners_pkey', uniques: [{ name: 'planners_label_key' }] })
    expect((await catalog()).tables.find(({ name }) => name === 'chat.workers')?.foreignKeys[0]).toMatchObject({
      table: 'chat.planners',
    })
  })

  it.each([
    ['a policy', 'CREATE POLICY own ON chat.workers USING (true)', 'policy own'],
    ['row security', 'ALTER TABLE chat.workers ENABLE ROW LEVEL SECURITY', 'row security'],
    ['a rule', 'CREATE RULE no AS ON DELETE TO chat.workers DO INSTEAD NOTHING', 'the rule no'],
    ['a publication', 'CREATE PUBLICATION told FOR TABLE chat.workers', 'publication told'],
    [
      'a function of its rows',
      'CREATE FUNCTION chat.shown(chat.workers) RETURNS text LANGUAGE sql RETURN 1',
      'function chat.shown',
    ],
    ['a column of its type', 'CREATE TABLE chat.held (one chat.workers)', 'column one of table chat.held'],
    ['a child', 'CREATE TABLE chat.child () INHERITS (chat.workers)', 'inheritance with chat.child'],
    ['a rule of its view', 'CREATE RULE no AS ON DELETE TO chat.busy DO INSTEAD NOTHING', 'rule no'],
    ['a replica identity', 'ALTER TABLE chat.workers REPLICA IDENTITY FULL', 'replica identity'],
  ])('refuses %s by its name', async (_, sql, said) => {
    await connection.begin()
    try {
      await connection.exec(sql)
      await expect(rebuildTable(new LiveSteps({ connection, signal }), 'chat.workers', {})).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining(said),
      })
    } finally {
      await connection.rollback()
    }
  })

  describe('refuses', () => {
    it.each([
      ['a column that a view needs', { columns: { nr: null } }, /the view chat.numbered \(.*nr/],
      ['a column that an index needs', { columns: { mood: null } }, /the index by_task \(.*mood/],
      ['a column that others are computed from', { columns: { task: null }, dropConstraints: ['one'] }, /depend on it/],
      ['half of a constraint', { columns: { task: null } }, /the constraint one/],
      ['a fill for no column', { fill: { nothing: '1' } }, /fill names nothing/],
      ['a column that is not there', { columns: { nothing: null } }, /no column nothing/],
      ['a constraint that is not there', { dropConstraints: ['nothing'] }, /no constraint nothing/],
    ])('%s, and leaves everything as it was', async (_, options, said) => {
      const before = await catalog()
      await expect(rebuild('chat.workers', options)).rejects.toThrow(said)
      expect(compareCatalogs(before, await catalog())).toEqual([])
    })
  })

  it('says in a preview that it takes place', async () => {
    const preview = new PreviewSteps({ dialect: 'postgres' })
    await rebuildTable(preview, 'calls', { fill: { a: '1' } })
    expect(preview.recorded).toEqual([
      { kind: 'unseen', by: 'rebuildTable calls', about: expect.stringContaining('{"fill":{"a":"1"}}') },
    ])
  })
})
