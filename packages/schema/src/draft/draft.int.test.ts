import { createDatabase } from '@drover-internal/postgres-server'
import { serverUrl } from '@drover-internal/postgres-server/vitest'
import { describe, expect, it } from 'vitest'
import type { Migration } from '../contracts/migration.js'
import { openDatabase } from '../database/open-database.js'
import { describeBoth } from '../migrator/testing/both-databases.js'
import { defineModels, type SchemaModels } from '../models/define-models.js'
import { type DraftOptions, draft } from './draft.js'
import { applied, revisionsOf, takenBack } from './testing/apply.js'

const now = new Date('2026-03-04T05:06:07Z')

const before = defineModels({
  tables: {
    agents: {
      columns: {
        id: { type: 'integer', nullable: false, identity: 'by-default' },
        name: { type: 'text', unique: true },
      },
      primaryKey: ['id'],
    },
    calls: {
      columns: {
        id: { type: 'bigint', nullable: false },
        agent_id: { type: 'integer', references: { table: 'agents', column: 'id', onDelete: 'cascade' } },
        status: { type: 'varchar(20)', nullable: false, default: 'open' },
        remark: { type: 'text' },
        cost: { type: 'decimal(10,2)', check: 'cost >= 0' },
        created_at: { type: 'timestamptz', default: { sql: 'CURRENT_TIMESTAMP' } },
      },
      primaryKey: ['id'],
      indexes: [{ name: 'calls_status', columns: ['status', { sql: 'created_at DESC' }] }],
    },
  },
})

const { calls, agents } = before.tables as Record<'calls' | 'agents', SchemaModels['tables'][string]>

describeBoth('a draft', (store) => {
  const drafted = (models: SchemaModels, message = 'a change', more: Partial<DraftOptions> = {}) =>
    draft({ connection: store().location, models, message, now, author: 'somebody', ...more })

  const made: Migration[] = []
  const make = async (models: SchemaModels, message?: string, more: Partial<DraftOptions> = {}) => {
    const result = await drafted(models, message, { migrations: made, ...more })
    const revisions = revisionsOf(result)
    made.push(...revisions)
    await applied(store().location, made)
    return result
  }
  const start = async () => {
    made.length = 0
    await make(before, 'base')
  }

  it('makes a new database the wanted one, and leaves nothing for the next one', async () => {
    await start()
    expect(made.map(({ id }) => id)).toEqual(['001_base'])
    const again = await drafted(before)
    expect(again).toMatchObject({ revisions: [], differences: [], undecided: [] })
  })

  it('adds what the guide adds, and takes it back', async () => {
    await start()
    await store().exec("INSERT INTO agents (id, name) VALUES (1, 'a'); INSERT INTO calls (id, agent_id) VALUES (7, 1)")
    const wanted = defineModels({
      tables: {
        agents,
        calls: {
          ...calls,
          columns: { ...calls.columns, priority: { type: 'integer', nullable: false, default: 0 } },
          indexes: [
            ...(calls.indexes ?? []),
            { name: 'ix_calls_priority', columns: ['priority'], where: 'priority > 0' },
          ],
        },
      },
    })
    const { revisions } = await make(wanted, 'add priority field to calls')
    const texts = revisions.map(({ text }) => text).join('\n')
    expect(texts).toContain(
      "await schema.addColumn('calls', 'priority', { type: 'integer', nullable: false, default: 0 })",
    )
    expect(revisions.map(({ fileName }) => fileName)).toEqual(
      store().dialect === 'sqlite'
        ? ['002_add_priority_field_to_calls.ts']
        : ['002_add_priority_field_to_calls.ts', '002_add_priority_field_to_calls_concurrently.ts'],
    )
    if (store().dialect === 'postgres') expect(texts).toContain("await schema.concurrentIndex('calls', {")
    expect((await drafted(wanted)).differences).toEqual([])
    expect(await store().query('SELECT id, agent_id, priority FROM calls')).toMatchObject([{ priority: 0 }])
    await takenBack(store().location, made, '001_base')
    expect((await drafted(before)).differences).toEqual([])
    expect(await store().query('SELECT agent_id FROM calls')).toEqual([{ agent_id: 1 }])
  })

  it('asks whether what looks alike was renamed, and keeps the rows then', async () => {
    await start()
    await store().exec(
      "INSERT INTO agents (id, name) VALUES (1, 'a'); INSERT INTO calls (id, agent_id, remark) VALUES (7, 1, 'kept')",
    )
    const { remark, ...columns } = calls.columns
    const wanted = defineModels({
      tables: { agents, talks: { ...calls, columns: { ...columns, note: { type: 'text' } } } },
    })
    const asked: string[] = []
    const { undecided } = await make(wanted, 'new names', {
      ask: (question) => {
        asked.push('from' in question ? `${question.from} ${question.to}` : question.column)
        return true
      },
    })
    expect(asked).toEqual(['calls talks', 'remark note'])
    expect(undecided).toEqual([])
    expect(made.at(-1)?.breaking).toBe(true)
    expect(await store().query('SELECT id, note FROM talks')).toEqual([{ id: 7, note: 'kept' }])
    expect((await drafted(wanted)).differences).toEqual([])
    await takenBack(store().location, made, '001_base')
    expect(await store().query('SELECT id, remark FROM calls')).toEqual([{ id: 7, remark: 'kept' }])
    expect((await drafted(before)).differences).toEqual([])
  })

  it('is told of renames by the models, and stops where nobody has decided', async () => {
    await start()
    const { remark, ...columns } = calls.columns
    const table = (note: object) => ({ ...calls, columns: { ...columns, note: { type: 'text', ...note } } })
    const said = defineModels({
      tables: { agents, talks: { ...table({ renamedFrom: 'remark' }), renamedFrom: 'calls' } },
    })
    const told = (await drafted(said)).revisions[0]?.text
    expect(told).toContain("await schema.renameTable('calls', 'talks')")
    expect(told).toContain("await schema.renameColumn('talks', 'remark', 'note')")
    const unsaid = await drafted(defineModels({ tables: { agents, calls: table({}) } }), 'x', { migrations: made })
    expect(unsaid.undecided).toEqual([expect.stringContaining('Is calls.note the renamed remark?')])
    expect(unsaid.revisions[0]?.text).toContain('// DECIDE: Is calls.note the renamed remark?')
    await expect(applied(store().location, [...made, ...revisionsOf(unsaid)])).rejects.toThrow('Not decided yet')
    const denied = await drafted(defineModels({ tables: { agents, calls: table({}) } }), 'x', { ask: () => false })
    expect(denied).toMatchObject({ undecided: [] })
    expect(denied.revisions[0]?.text).toContain("await schema.dropColumn('calls', 'remark')")
  })

  it('asks for the value of rows that are there, and archives those that go', async () => {
    await start()
    await store().exec(
      "INSERT INTO agents (id) VALUES (1); INSERT INTO calls (id, agent_id, remark) VALUES (7, 1, 'kept')",
    )
    const { calls: _, ...others } = before.tables
    const { name, ...columns } = agents.columns
    const wanted = defineModels({
      tables: {
        ...others,
        agents: { ...agents, columns: { ...columns, level: { type: 'integer', nullable: false } } },
      },
    })
    const ask = ({ kind }: { readonly kind: string }) => (kind === 'value' ? 3 : false)
    const unasked = await drafted(wanted, 'x', { ask: ({ kind }) => (kind === 'value' ? undefined : false) })
    expect(unasked.undecided).toEqual([expect.stringContaining('level must have a value')])
    await make(wanted, 'less and more', { ask })
    expect(await store().query('SELECT id, level FROM agents')).toEqual([{ id: 1, level: 3 }])
    expect(await store().query('SELECT remark FROM calls_archive_002_less_and_more')).toEqual([{ remark: 'kept' }])
    const again = await drafted(wanted)
    expect(again.differences).toEqual([])
    expect(again.undetected).toContainEqual(expect.stringContaining('calls_archive_002_less_and_more'))
  })

  it('compares with another database', async () => {
    await using server = store().dialect === 'postgres' ? await createDatabase(serverUrl()) : undefined
    const other = server?.url ?? `${store().location}.other`
    await using database = await openDatabase(other)
    await using connection = await database.connect({ signal: new AbortController().signal })
    await connection.exec(
      "CREATE TABLE a (id integer PRIMARY KEY, b varchar(30) DEFAULT 'x' NOT NULL); CREATE INDEX ab ON a (b)",
    )
    await store().exec('CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE knex_migrations (id integer)')
    const against = { connection: store().location, against: other, message: 'like the other' }
    const { revisions, undecided } = await draft(against)
    expect(undecided).toEqual([])
    await applied(store().location, revisionsOf({ revisions }))
    expect((await draft(against)).differences).toEqual([])
  })

  it('refuses what cannot be made or is asked wrongly, and a database that lacks revisions', async () => {
    const broken = defineModels({ tables: { a: { columns: { x: { type: 'integer', check: 'nothing > 1' } } } } })
    await expect(drafted(broken)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('The models: the table a cannot be made'),
    })
    await expect(draft({ connection: store().location, message: 'x' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    const migrations = [{ id: '001_a', up: () => {} }]
    await expect(drafted(before, 'x', { migrations })).rejects.toMatchObject({ code: 'SCHEMA_BEHIND' })
  })
})

describe('models', () => {
  it('name columns that there are', () => {
    const columns = { a: { type: 'text' } }
    expect(() => defineModels({ tables: { t: { columns, primaryKey: ['b'] } } })).toThrow(
      expect.objectContaining({ code: 'NAME_UNKNOWN' }),
    )
    expect(() => defineModels({ tables: { t: { columns: { a: { typ: 'text' } } } } } as never)).toThrow('"typ"')
    expect(() => defineModels({ tables: {}, views: { v: 'DROP TABLE t' } })).toThrow('view v')
  })
})
