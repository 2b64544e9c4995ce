import { expect, it } from 'vitest'
import type { Migration } from '../contracts/migration.js'
import type { MigrationContext } from '../contracts/migration-context.js'
import { openDatabase } from '../database/open-database.js'
import { createMigrator, migratorOn } from './create-migrator.js'
import { lightRevisions } from './light-revisions.js'
import { describeBoth } from './testing/both-databases.js'
import { watched } from './testing/survivors.js'

/** Revisions that make a table each, one after the other. */
function chain(ups: readonly Migration['up'][]): Migration[] {
  return ups.map((up, n) => ({ id: `r${n}`, ...(n === 0 ? {} : { dependsOn: `r${n - 1}` }), up }))
}

const create =
  (name: string): Migration['up'] =>
  async ({ schema, sql }) => {
    await schema.createTable(name, (table) => {
      table.integer('id')
    })
    await sql(`INSERT INTO ${name} (id) VALUES (1)`)
  }

describeBoth('light revisions that go together', (store) => {
  const migratorOf = (migrations: readonly Migration[]) => createMigrator({ connection: store().location, migrations })
  const applied = async (): Promise<readonly unknown[]> =>
    (await store().query('SELECT revision FROM drover_migrations ORDER BY ordinal')).map(({ revision }) => revision)

  it('are in the journal one by one, in order', async () => {
    await using migrator = migratorOf(chain([create('t0'), create('t1'), create('t2')]))
    const { revisions } = await migrator.up()
    expect(revisions).toMatchObject([
      { id: 'r0', steps: 2 },
      { id: 'r1', steps: 2 },
      { id: 'r2', steps: 2 },
    ])
    expect(await store().query('SELECT revision, ordinal, status FROM drover_migrations ORDER BY ordinal')).toEqual(
      [0, 1, 2].map((n) => ({ revision: `r${n}`, ordinal: n + 1, status: 'applied' })),
    )
    expect((await migrator.events()).map(({ action, revision }) => `${action} ${revision}`)).toEqual([
      'up r0',
      'up r1',
      'up r2',
    ])
    expect(await migrator.ensure({ mode: 'verify' })).toMatchObject({ status: 'nothing' })
  })

  it('stay if a later one fails, which leaves nothing', async () => {
    const broken: Migration['up'] = async ({ sql }) => {
      await sql('CREATE TABLE t2 (id integer)')
      await sql('CREATE TABLE t2 (id integer)')
    }
    await using migrator = migratorOf(chain([create('t0'), create('t1'), broken, create('t3')]))
    await expect(migrator.up()).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('Nothing of it stays'),
    })
    expect(await applied()).toEqual(['r0', 'r1'])
    expect(await store().query('SELECT id FROM t1')).toEqual([{ id: 1 }])
    await expect(store().query('SELECT id FROM t2')).rejects.toThrow(/t2/)
    expect((await migrator.events()).map(({ action, revision }) => `${action} ${revision}`)).toEqual([
      'up r0',
      'up r1',
      'failed r2',
    ])
  })

  it('do nothing together that they did not say when they were recorded', async () => {
    const other: Migration['up'] = async ({ isPreview, sql, backfill }: MigrationContext) => {
      await sql('CREATE TABLE t1 (id integer PRIMARY KEY, n integer)')
      await sql('INSERT INTO t1 (id) VALUES (1), (2)')
      if (!isPreview) await backfill({ name: 'ones', table: 't1', sets: ['n'], set: { n: '1' } })
    }
    await using migrator = migratorOf(chain([create('t0'), other, create('t2')]))
    await migrator.up()
    expect(await applied()).toEqual(['r0', 'r1', 'r2'])
    expect(await store().query('SELECT n FROM t1')).toEqual([{ n: 1 }, { n: 1 }])
  })

  it('are all there or none, wherever the connection breaks off', async () => {
    const migrations = chain([create('t0'), create('t1'), create('t2')])
    const gone = new Error('the connection is gone')
    // Databases of PostgreSQL take their time.
    const each = store().dialect === 'sqlite' ? 1 : 4
    for (let at = 1; ; at += each) {
      await store().exec('DROP TABLE IF EXISTS t0; DROP TABLE IF EXISTS t1; DROP TABLE IF EXISTS t2')
      await store().exec('DROP TABLE IF EXISTS drover_migrations; DROP TABLE IF EXISTS drover_migration_events')
      let calls = 0
      await using breaking = migratorOn({ migrations }, async () =>
        watched(await openDatabase(store().location), () => {
          if (++calls >= at) throw gone
        }),
      )
      const isThrough = await breaking.up().then(
        () => true,
        () => false,
      )
      await using reader = migratorOf(migrations)
      const { current } = await reader.status()
      expect([[], ['r2']], `broken at ${at}`).toContainEqual(current)
      await reader.up()
      expect(await applied()).toEqual(['r0', 'r1', 'r2'])
      if (isThrough) break
      expect(at).toBeLessThan(100)
    }
  })
})

it.each<[string, number, string]>([
  ['a table of their own', 2, 'CREATE TABLE own (id integer)'],
  ['an index of their own table', 2, 'CREATE INDEX i ON t0 (id)'],
  ['a column of their own table', 2, 'ALTER TABLE t0 ADD COLUMN b text'],
  ['rows of their own table', 2, `INSERT INTO t0 VALUES (1)`],
  ['a key that refers to their own table', 2, 'CREATE TABLE own (id integer REFERENCES t0 (id))'],
  ['an index of a table in use', 1, 'CREATE INDEX i ON calls (id)'],
  ['a column of a table in use', 1, 'ALTER TABLE calls ADD COLUMN b text'],
  ['rows of a table in use', 1, 'INSERT INTO calls VALUES (1)'],
  ['rows from a table in use', 1, 'INSERT INTO t0 SELECT id FROM calls'],
  ['a key that refers to a table in use', 1, 'CREATE TABLE own (id integer REFERENCES calls (id))'],
  ['a table that may be there', 1, 'CREATE TABLE IF NOT EXISTS calls (id integer)'],
  ['a copy', 1, 'CREATE TABLE own AS SELECT * FROM calls'],
  ['a partition of a table in use', 1, 'CREATE TABLE own PARTITION OF calls DEFAULT'],
  ['a table that goes', 1, 'DROP TABLE t0'],
  ['a trigger', 1, 'CREATE TRIGGER t AFTER INSERT ON t0 EXECUTE FUNCTION f()'],
  ['a setting', 1, 'SET search_path = other'],
])('what is light: %s', (_, count, sql) => {
  const revision = (id: string, ...given: readonly string[]) => ({
    migration: { id, up: () => {} },
    direction: 'up' as const,
    steps: given.map((one) => ({ kind: 'sql' as const, sql: one })),
    checksum: '',
  })
  const revisions = [revision('a', 'CREATE TABLE t0 (id integer)'), revision('b', sql)]
  expect(lightRevisions(revisions, 'postgres', () => true)).toBe(count)
})
