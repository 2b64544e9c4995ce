import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createMigrator, type JournalEntry, type Migration, type Migrator } from '@drover/schema'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { agentMigrations } from './agent-migrations.js'

type Row = Record<string, unknown>

/** What has been found in `agent_metadata`, by router; SQLAlchemy writes None as the text `null`. */
const metadata: Readonly<Record<string, string | number | null>> = {
  r_none: null,
  r_json_null: 'null',
  r_malformed: '{bad',
  r_text: '"abc"',
  // A column of the type JSON has numeric affinity, so a text 45 is kept as a number.
  r_number: 45,
  r_absent: '{"model_hint": "fast"}',
  r_45: '{"timeout_seconds":45,"b":1}',
  r_text_in: '{"timeout_seconds":"abc"}',
  r_null_in: '{ "timeout_seconds": null }',
}

const tables = ['routers', 'planners', 'workers', 'worker_messages'] as const

let folder = ''
let filename = ''
let application: Database.Database

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'drover-agents-'))
  filename = path.join(folder, 'agent_database.db')
  await using migrator = agents()
  await migrator.up({ to: '001_agent_tables' })
  // The application's own connection, which stays open: what it writes is in the log, and not in the file.
  application = new Database(filename)
  application.pragma('journal_mode = WAL')
  application.pragma('wal_autocheckpoint = 0')
  application.pragma('foreign_keys = ON')
  fill()
})

afterEach(() => {
  application.close()
  rmSync(folder, { recursive: true })
})

function agents(migrations: readonly Migration[] = agentMigrations): Migrator {
  return createMigrator({ connection: filename, migrations })
}

function fill(): void {
  const time = '2025-08-06 10:00:00.000001'
  const router = application.prepare(
    "INSERT INTO routers VALUES (?, 'active', 'gpt', 0.1, ?, 1, '2025-08-06 10:00:00.000001', NULL)",
  )
  for (const [id, json] of Object.entries(metadata)) router.run(id, json)
  application.exec(
    `INSERT INTO planners (planner_id, user_question, status, agent_metadata, schema_version, created_at) VALUES ('p1', 'Why?', 'done', 'null', 1, '${time}')`,
  )
  const columns = (application.pragma('table_info(workers)') as { name: string; type: string }[]).map(
    ({ name, type }) => ({ name, type }),
  )
  const insert = application.prepare(`INSERT INTO workers VALUES (${columns.map(() => '?').join(', ')})`)
  const message = application.prepare(
    "INSERT INTO worker_messages (agent_id, role, content, created_at) VALUES (?, 'user', ?, ?)",
  )
  for (let i = 0; i < 30; i++) {
    insert.run(
      columns.map(({ name, type }) => {
        if (name === 'worker_id') return `w${i}`
        if (name === 'planner_id') return 'p1'
        if (name === 'task_status') return i % 2 === 0 ? 'completed' : 'failed'
        if (name === 'schema_version') return 1
        if (type === 'JSON') return i % 3 === 0 ? 'null' : JSON.stringify({ [name]: i })
        if (type === 'BOOLEAN') return i % 2
        return type === 'DATETIME' ? time : `${name} of ${i} 'quoted'`
      }),
    )
    message.run(`w${i}`, JSON.stringify(['hello', i]), time)
  }
}

function contents(): Record<string, Row[]> {
  return Object.fromEntries(
    tables.map((table) => [table, application.prepare(`SELECT * FROM ${table} ORDER BY 1`).all() as Row[]]),
  )
}

/** Rows with the value of `agent_metadata`, and not its text: members may have another order. */
function parsed({ routers: rows = [], ...others }: Record<string, Row[]>): Record<string, Row[]> {
  return { ...others, routers: rows.map((row) => ({ ...row, agent_metadata: metadataOf(row.agent_metadata) })) }
}

function allMetadata(texts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(texts).map(([id, text]) => [id, metadataOf(text)]))
}

/** What is no JSON is kept as it is, the text `null` too. */
function metadataOf(text: unknown): unknown {
  return typeof text === 'string' && text.startsWith('{') && text.endsWith('}') ? JSON.parse(text) : text
}

function routers(columns: string): Record<string, unknown> {
  const rows = application.prepare(`SELECT router_id, ${columns} AS value FROM routers`).all() as Row[]
  return Object.fromEntries(rows.map(({ router_id, value }) => [String(router_id), value]))
}

function schema(): unknown[] {
  return application.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all()
}

async function entry(migrator: Migrator, id: string): Promise<JournalEntry> {
  const found = (await migrator.history()).find((one): one is JournalEntry => 'revision' in one && one.revision === id)
  if (found === undefined) throw new Error(`The journal has no ${id}.`)
  return found
}

it('is at version 2 with every row, while the log still holds rows that are not in the file', async () => {
  expect(statSync(`${filename}-wal`).size).toBeGreaterThan(20_000)
  const before = contents()
  await using migrator = agents()
  await migrator.up()

  const { workers, worker_messages, planners } = contents()
  expect(workers).toHaveLength(30)
  expect(workers).toEqual(before.workers?.map((row) => ({ ...row, schema_version: 2, priority: 0, retry_count: 0 })))
  expect(worker_messages).toEqual(before.worker_messages)
  expect(planners).toEqual(before.planners?.map((row) => ({ ...row, conversation_context: null })))
  expect(application.prepare('SELECT * FROM workers_v1_backup ORDER BY 1').all()).toEqual(before.workers)
  // Messages refer to the new table, and go with its rows.
  expect(application.pragma('foreign_key_check')).toEqual([])
  expect(application.pragma('foreign_key_list(worker_messages)')).toMatchObject([{ table: 'workers' }])
  application.exec("DELETE FROM workers WHERE worker_id = 'w3'")
  expect(application.prepare("SELECT count(*) FROM worker_messages WHERE agent_id = 'w3'").pluck().get()).toBe(0)
  expect(application.pragma('journal_mode', { simple: true })).toBe('wal')
})

it('promotes the timeout where it is one, lists the other rows, and keeps them', async () => {
  await using migrator = agents()
  await migrator.up({ to: '003' })
  const before = routers('agent_metadata')
  // The attribute was given to the object that lacked it, and to nothing else.
  expect(before).toEqual({ ...metadata, r_absent: '{"model_hint":"fast","timeout_seconds":300}' })

  await migrator.up({ to: '004' })
  expect(routers('timeout_seconds')).toEqual({
    ...Object.fromEntries(Object.keys(metadata).map((id) => [id, 300])),
    r_45: 45,
  })
  expect(routers('agent_metadata')).toEqual({ ...before, r_absent: '{"model_hint":"fast"}', r_45: '{"b":1}' })
  const notes = (await entry(migrator, '004_promote_timeout')).notes.join('\n')
  for (const id of ['r_none', 'r_json_null', 'r_malformed', 'r_text', 'r_number', 'r_text_in', 'r_null_in'])
    expect(notes, id).toContain(id)
  expect(notes).not.toContain('r_45')

  // A rollback restores 45, not the default.
  await migrator.down({ to: '003', acceptLoss: true })
  expect(allMetadata(routers('agent_metadata'))).toEqual(allMetadata(before))
  expect(routers('schema_version')).toEqual(Object.fromEntries(Object.keys(metadata).map((id) => [id, 1])))
  await migrator.down({ to: '001', acceptLoss: true })
  expect(allMetadata(routers('agent_metadata'))).toEqual(allMetadata(metadata))
})

it('leaves nothing behind of a revision that fails half way', async () => {
  await using migrator = agents()
  await migrator.up({ to: '004' })
  const [rows, objects] = [contents(), schema()]
  for (const last of agentMigrations.slice(-1)) {
    const failing: Migration = {
      ...last,
      up: async (context) => {
        await last.up(context)
        await context.sql('INSERT INTO nowhere VALUES (1)')
      },
    }
    await using broken = agents([...agentMigrations.slice(0, -1), failing])
    await expect(broken.up()).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
  }
  expect(contents()).toEqual(rows)
  expect(schema()).toEqual(objects)
  expect((await migrator.status()).current).toEqual(['004_promote_timeout'])
  await migrator.up()
  expect((await migrator.status()).current).toEqual(['005_workers_v2'])
})

it('goes all the way back to version 1, and up again', async () => {
  const before = contents()
  await using migrator = agents()
  await migrator.up()
  await migrator.down({ to: '001', acceptLoss: true })
  expect(parsed(contents())).toEqual(parsed(before))
  await migrator.up()
  expect(contents().workers?.every(({ schema_version }) => schema_version === 2)).toBe(true)
})
