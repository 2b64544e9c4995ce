import { DroverError, type ErrorCode } from '@drover/core'
import { expect, it } from 'vitest'
import type { Migration } from '../contracts/migration.js'
import type { Migrator } from '../contracts/migrator.js'
import { irreversible } from '../migration/irreversible.js'
import { createMigrator } from './create-migrator.js'
import { describeBoth } from './testing/both-databases.js'

/** A table with rows, a column with a default, and one more that depends on it. */
const calls: readonly Migration[] = [
  {
    id: '001_base',
    description: 'calls',
    up: async ({ sql }) => {
      await sql('CREATE TABLE calls (id integer PRIMARY KEY, status text NOT NULL)')
      await sql(`INSERT INTO calls VALUES (1, 'open'), (2, 'done')`)
    },
    down: async ({ sql }) => {
      await sql('DROP TABLE calls')
    },
  },
  {
    id: '002_priority',
    dependsOn: '001_base',
    actions: ['tell the dashboard'],
    up: async ({ sql, note }) => {
      await sql('ALTER TABLE calls ADD COLUMN priority integer NOT NULL DEFAULT 0')
      note('every call has priority 0')
    },
    down: async ({ sql }) => {
      await sql('ALTER TABLE calls DROP COLUMN priority')
    },
  },
  {
    id: '003_notes',
    dependsOn: '002_priority',
    compatible: false,
    up: async ({ sql }) => {
      await sql('CREATE TABLE notes (call_id integer NOT NULL REFERENCES calls (id), body text)')
    },
    down: async ({ sql }) => {
      await sql('DROP TABLE notes')
    },
  },
]

async function failure(work: Promise<unknown>): Promise<{ readonly code: ErrorCode; readonly message: string }> {
  const error: unknown = await work.catch((thrown: unknown) => thrown)
  if (DroverError.isInstance(error)) return { code: error.code, message: error.message }
  throw new Error(`it did not fail with an error of ours: ${String(error)}`)
}

function ids({ revisions }: { readonly revisions: readonly { readonly id: string }[] }): string {
  return revisions.map(({ id }) => id).join(' ')
}

describeBoth('a migrator', (store) => {
  const migratorOf = (migrations = calls, options = {}): Migrator =>
    createMigrator({ connection: store().location, migrations, actor: 'a test', ...options })

  it('goes up, down and up again, with rows in the tables', async () => {
    await using migrator = migratorOf()
    expect(await migrator.status()).toEqual({
      current: [],
      heads: ['003_notes'],
      pending: ['001_base', '002_priority', '003_notes'],
      unknown: [],
      interrupted: [],
    })
    const first = await migrator.up({ to: '002' })
    expect(first).toMatchObject({
      direction: 'up',
      heads: ['002_priority'],
      revisions: [
        { id: '001_base', steps: 2, notes: [] },
        { id: '002_priority', steps: 1, actions: ['tell the dashboard'], notes: ['every call has priority 0'] },
      ],
    })
    expect(await store().query('SELECT id, status, priority FROM calls ORDER BY id')).toEqual([
      { id: 1, status: 'open', priority: 0 },
      { id: 2, status: 'done', priority: 0 },
    ])
    expect(ids(await migrator.up())).toBe('003_notes')
    expect(ids(await migrator.up())).toBe('')
    expect((await migrator.status()).current).toEqual(['003_notes'])
    expect(ids(await migrator.down({ to: '001_base' }))).toBe('003_notes 002_priority')
    expect(await store().query('SELECT * FROM calls ORDER BY id')).toEqual([
      { id: 1, status: 'open' },
      { id: 2, status: 'done' },
    ])
    expect(ids(await migrator.up({ to: '+1' }))).toBe('002_priority')
    expect(ids(await migrator.down({ to: '-1' }))).toBe('002_priority')
    expect((await migrator.status()).current).toEqual(['001_base'])
    expect((await migrator.events()).map(({ action, revision }) => `${action} ${revision}`)).toEqual([
      'up 001_base',
      'up 002_priority',
      'up 003_notes',
      'down 003_notes',
      'down 002_priority',
      'up 002_priority',
      'down 002_priority',
    ])
  })

  it('keeps in its journal who did what, when, and what it was', async () => {
    await using migrator = migratorOf()
    await migrator.up({ to: '002_priority' })
    const [, priority, notes] = await migrator.history()
    expect(priority).toMatchObject({
      revision: '002_priority',
      status: 'applied',
      origin: 'run',
      dependsOn: ['001_base'],
      isCompatible: true,
      sql: expect.stringContaining('ALTER TABLE calls ADD COLUMN priority'),
      steps: [],
      notes: ['every call has priority 0'],
      actor: 'a test',
      startedAt: expect.any(Date),
      appliedAt: expect.any(Date),
    })
    expect(notes).toMatchObject({ id: '003_notes' })
  })

  it('leaves nothing of a revision that fails', async () => {
    await using migrator = migratorOf([
      ...calls,
      {
        id: '004_broken',
        dependsOn: '003_notes',
        assured: { 'rows-changed-at-once': 'there are two' },
        up: async ({ sql }) => {
          await sql('CREATE TABLE half (id integer)')
          await sql('DELETE FROM calls')
          await sql('INSERT INTO nowhere VALUES (1)')
        },
      },
    ])
    const { code, message } = await failure(migrator.up())
    expect(code).toBe('MIGRATION_FAILED')
    expect(message).toMatch(
      /^004_broken failed on its way up at its step 3 or behind it \(INSERT INTO nowhere VALUES \(1\)\): .*nowhere.* Nothing of it stays\.$/,
    )
    expect((await migrator.status()).current).toEqual(['003_notes'])
    expect(await store().query('SELECT count(*) AS n FROM calls')).toEqual([{ n: 2 }])
    await expect(store().query('SELECT * FROM half')).rejects.toThrow(/half/)
    expect((await migrator.events()).at(-1)).toMatchObject({
      action: 'failed',
      revision: '004_broken',
      detail: expect.stringContaining('MIGRATION_FAILED'),
    })
  })

  it('holds a revision to its conditions', async () => {
    const sees = async (n: number): Promise<string | boolean> => n === 2 || `there are ${n} calls`
    const count = async (query: (sql: string) => Promise<readonly object[]>): Promise<number> =>
      Number((await query('SELECT count(*) AS n FROM calls')).flatMap(Object.values)[0])
    const conditioned = (id: string, up: string): Migration => ({
      id,
      dependsOn: '001_base',
      preconditions: [
        async function twoCalls({ query }) {
          return sees(await count(query))
        },
      ],
      up: async ({ sql }) => {
        await sql(up)
      },
      postconditions: [
        async function stillTwo({ query, before }) {
          expect(before.rows.get('calls')).toBe(2)
          return sees(await count(query))
        },
      ],
    })
    await using bad = migratorOf([...calls.slice(0, 1), conditioned('002', 'DELETE FROM calls WHERE id = 1')])
    expect(await failure(bad.up())).toEqual({
      code: 'CONDITION_FAILED',
      message: expect.stringContaining(
        'after 002 does not hold, so nothing of it stays:\n- stillTwo: there are 1 calls',
      ),
    })
    await using good = migratorOf([...calls.slice(0, 1), conditioned('002', `UPDATE calls SET status = 'x'`)])
    expect(ids(await good.up())).toBe('002')
    await store().exec('DELETE FROM calls WHERE id = 1')
    await good.stamp('001')
    expect(await failure(good.up())).toEqual({
      code: 'CONDITION_FAILED',
      message: expect.stringContaining(
        'before 002 does not hold, so nothing of it stays:\n- twoCalls: there are 1 calls',
      ),
    })
  })

  it('refuses revisions that were edited after they were applied, and shows the difference', async () => {
    await using before = migratorOf()
    await before.up()
    const [base, priority, notes] = calls as [Migration, Migration, Migration]
    const edited: Migration = {
      ...priority,
      up: async ({ sql }) => {
        await sql('ALTER TABLE calls ADD COLUMN priority integer NOT NULL DEFAULT 1')
      },
    }
    await using after = migratorOf([base, edited, notes])
    for (const work of [() => after.up(), () => after.down({ to: '-1' }), () => after.ensure({ mode: 'verify' })]) {
      const { code, message } = await failure(work())
      expect(code).toBe('REVISION_EDITED')
      expect(message).toContain('-ALTER TABLE calls ADD COLUMN priority integer NOT NULL DEFAULT 0')
      expect(message).toContain('+ALTER TABLE calls ADD COLUMN priority integer NOT NULL DEFAULT 1')
    }
    await after.repair('002_priority', 'accept-edit')
    expect(await after.ensure({ mode: 'verify' })).toEqual({ status: 'nothing', revisions: [], ahead: [] })
  })

  it('says what is unsafe and what is lost before it begins, and notes what was borne', async () => {
    const drop: Migration = {
      id: '004_drop',
      dependsOn: '003_notes',
      up: async ({ sql }) => {
        await sql('ALTER TABLE calls DROP COLUMN status')
      },
      down: async ({ sql }) => {
        await sql('DROP TABLE notes')
      },
    }
    await using migrator = migratorOf([...calls, drop])
    await migrator.up({ to: '003' })
    const { findings, losses } = await migrator.plan('up')
    expect(findings).toMatchObject([{ rule: 'column-dropped', revision: '004_drop', severity: 'refuse' }])
    expect(losses).toMatchObject([{ revision: '004_drop', table: 'calls', column: 'status', rows: 2 }])
    expect(await failure(migrator.up())).toMatchObject({ code: 'UNSAFE_REFUSED' })
    expect(ids(await migrator.up({ allow: ['column-dropped'] }))).toBe('004_drop')
    expect((await migrator.events()).at(-1)?.detail).toMatch(
      /column-dropped: .* Allowed\.\nlost: calls\.status: 2 rows/,
    )
    await store().exec(`INSERT INTO notes VALUES (1, 'call again')`)
    expect(await failure(migrator.down({ to: '-1' }))).toMatchObject({
      code: 'LOSS_REFUSED',
      message: expect.stringContaining('004_drop drops notes: 1 rows'),
    })
    expect(ids(await migrator.down({ to: '-1', acceptLoss: true }))).toBe('004_drop')
  })

  it('leaves nothing of a revision that takes rows along which nobody asked for', async () => {
    const rows = async (): Promise<unknown> => store().query('SELECT count(*) AS n FROM notes')
    await using migrator = migratorOf([
      ...calls,
      {
        id: '004_cascade',
        dependsOn: '003_notes',
        up: async ({ sql }) => {
          await sql('CREATE TABLE copy (id integer)')
          await sql('DELETE FROM calls WHERE id = 7')
        },
      },
    ])
    await migrator.up({ to: '003' })
    // A trigger of the application that nobody remembers.
    await store().exec(
      store().dialect === 'sqlite'
        ? 'CREATE TABLE jobs (id integer); CREATE TRIGGER t AFTER DELETE ON calls BEGIN DELETE FROM notes; END'
        : `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM notes; RETURN NULL; END $$;
           CREATE TRIGGER t AFTER DELETE ON calls FOR EACH ROW EXECUTE FUNCTION f()`,
    )
    await store().exec(`INSERT INTO calls VALUES (7, 'gone', 0); INSERT INTO notes VALUES (1, 'x')`)
    expect(await failure(migrator.up())).toMatchObject({
      code: 'LOSS_REFUSED',
      message: expect.stringContaining('notes had 1 rows and has 0'),
    })
    expect(await rows()).toEqual([{ n: 1 }])
  })

  it('takes no way back that does not exist, and says so before it begins', async () => {
    await using migrator = migratorOf([
      ...calls,
      { id: '004', dependsOn: '003_notes', up: () => {}, down: irreversible('the addresses were hashed') },
      { id: '005', dependsOn: '004', up: () => {}, down: () => {} },
    ])
    await migrator.up()
    expect(await failure(migrator.down({ to: '003_notes' }))).toMatchObject({
      code: 'IRREVERSIBLE',
      message: expect.stringContaining('004 cannot be taken back: the addresses were hashed.'),
    })
    expect((await migrator.status()).current).toEqual(['005'])
  })

  it('is ahead of older code, which may work with it if the journal says so', async () => {
    await using newer = migratorOf()
    await newer.up({ to: '002_priority' })
    await using older = migratorOf(calls.slice(0, 1))
    expect(await older.ensure({ mode: 'apply' })).toEqual({
      status: 'nothing',
      revisions: [],
      ahead: ['002_priority'],
    })
    expect(await older.status()).toMatchObject({ current: ['002_priority'], unknown: ['002_priority'] })
    expect(await failure(older.down({ to: 'base' }))).toMatchObject({ code: 'SCHEMA_AHEAD' })
    await newer.up()
    expect(await failure(older.ensure({ mode: 'verify' }))).toMatchObject({
      code: 'SCHEMA_AHEAD',
      message: expect.stringContaining('003_notes is not known to this release'),
    })
    await using other = migratorOf([...calls.slice(0, 2), { id: '003_other', dependsOn: '002_priority', up: () => {} }])
    expect(await failure(other.up())).toMatchObject({ code: 'SCHEMA_AHEAD' })
  })

  it('verifies what it does not apply', async () => {
    await using migrator = migratorOf()
    expect(await failure(migrator.ensure({ mode: 'verify' }))).toMatchObject({
      code: 'SCHEMA_BEHIND',
      message: expect.stringContaining('lacks 001_base, 002_priority, 003_notes: it is at base.'),
    })
    expect(await failure(migrator.ensure({ mode: 'wait', timeoutMs: 250 }))).toMatchObject({
      code: 'SCHEMA_BEHIND',
      message: expect.stringContaining('within 250 ms'),
    })
    expect(await migrator.ensure({ mode: 'apply' })).toEqual({
      status: 'applied',
      revisions: ['001_base', '002_priority', '003_notes'],
      ahead: [],
    })
    expect(await migrator.ensure({ mode: 'verify' })).toMatchObject({ status: 'nothing' })
  })

  it('is told where a database stands, by a stamp or the journal of another tool', async () => {
    await using migrator = migratorOf()
    await migrator.stamp('002_priority', { origin: 'baseline' })
    expect((await migrator.status()).current).toEqual(['002_priority'])
    await migrator.stamp('001')
    expect((await migrator.status()).current).toEqual(['001_base'])
    await migrator.stamp('base')
    expect((await migrator.status()).current).toEqual([])
    expect(await failure(migrator.adopt({ from: 'knex' }))).toMatchObject({ code: 'SOURCE_NOT_FOUND' })
    await store().exec(`CREATE TABLE knex_migrations (id integer, name text);
      INSERT INTO knex_migrations VALUES (1, '001_base.js'), (2, 'prio.js')`)
    expect(await failure(migrator.adopt({ from: 'knex' }))).toMatchObject({
      code: 'REVISION_UNKNOWN',
      message: expect.stringContaining('knex_migrations has prio.js, of which nobody knows'),
    })
    expect(await migrator.adopt({ from: 'knex', map: { 'prio.js': '002_priority' } })).toEqual([
      '001_base',
      '002_priority',
    ])
    await migrator.stamp('base')
    await store().exec(
      `CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('002_priority')`,
    )
    expect(await migrator.adopt({ from: 'alembic' })).toEqual(['001_base', '002_priority'])
    expect((await migrator.history())[0]).toMatchObject({ revision: '001_base', origin: 'adopted' })
  })

  it('finds a journal that was edited by hand', async () => {
    await using migrator = migratorOf()
    await migrator.up()
    await store().exec(`DELETE FROM drover_migrations WHERE revision = '002_priority'`)
    expect(await failure(migrator.up())).toMatchObject({
      code: 'JOURNAL_INVALID',
      message: expect.stringContaining('says that 003_notes is applied, and not 002_priority'),
    })
    await store().exec(`UPDATE drover_migrations SET depends_on = 'nothing'`)
    expect(await failure(migrator.status())).toMatchObject({
      code: 'JOURNAL_INVALID',
      message: expect.stringContaining('the column depends_on is no list of texts in JSON'),
    })
  })

  it('keeps branches apart, and takes back only what depends on what goes', async () => {
    const made = (id: string, ...dependsOn: readonly string[]): Migration => ({
      id,
      dependsOn,
      up: async ({ sql }) => {
        await sql(`CREATE TABLE ${id} (id integer)`)
      },
      down: async ({ sql }) => {
        await sql(`DROP TABLE ${id}`)
      },
    })
    const [trunk, left, right, merge] = [made('trunk'), made('l1', 'trunk'), made('r1', 'trunk'), made('m', 'l1', 'r1')]
    await using split = migratorOf([trunk, left, right])
    expect(await failure(split.up())).toMatchObject({ code: 'REVISION_AMBIGUOUS' })
    expect(ids(await split.up({ to: 'heads' }))).toBe('trunk l1 r1')
    await using merged = migratorOf([trunk, left, right, merge])
    expect(ids(await merged.up())).toBe('m')
    expect(await failure(merged.down({ to: '-1' }))).toMatchObject({ code: 'REVISION_AMBIGUOUS' })
    expect(ids(await merged.down({ to: 'l1' }))).toBe('m')
    expect((await merged.status()).current).toEqual(['l1', 'r1'])
    expect(ids(await merged.down({ to: 'base' }))).toBe('r1 l1 trunk')
  })
})
