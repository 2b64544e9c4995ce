import type { Row } from '@drover/core'
import { createMigrator, type Dialect, type Migrator } from '@drover/schema'
import { type TestDatabase, testDatabase } from '@drover/schema/testing'
import { serverUrl } from '@drover-internal/postgres-server/vitest'
import { describe, expect, inject, it } from 'vitest'
import { callMigrations } from './call-migrations.js'

const calls = 40
const messagesPerCall = 3

/** Rows of the time of 002: every second call was taken before it, so its count of transitions is NULL. */
async function fill({ query, dialect }: TestDatabase): Promise<void> {
  const at = (minute: number): string => `2025-01-06 14:${String(minute).padStart(2, '0')}:00`
  for (let i = 1; i <= calls; i++) {
    const values = [
      `call-${i}`,
      `+1555555${String(i).padStart(4, '0')}`,
      i % 7 === 0 ? 'failed' : 'completed',
      i % 3 === 0 ? 'tier2' : 'tier1',
      JSON.stringify({ budget: i * 1000, name: `Zoë ${i}` }),
      i % 5 === 0 ? null : i / 8,
      at(i),
      i % 2 === 0 ? i : null,
    ]
    await query(
      `INSERT INTO calls (call_id, phone_number, status, initial_tier, lead_data, total_cost, created_at, agent_transition_count) VALUES (${marks(dialect, values.length)})`,
      values,
    )
    for (let order = 0; order < messagesPerCall; order++) {
      const message = [
        `call-${i}`,
        order,
        order % 2 === 0 ? 'user' : 'assistant',
        `“Hello” ${i}.${order}\n`,
        order * 11,
      ]
      await query(
        `INSERT INTO conversation_history (call_id, message_order, role, content, llm_tokens_used) VALUES (${marks(dialect, message.length)})`,
        message,
      )
    }
  }
  await query(`INSERT INTO agent_transitions (call_id, from_name, to_name) VALUES ('call-1', 'greeter', 'qualifier')`)
  await query(`INSERT INTO call_notes (call_id, note) VALUES ('call-2', 'calls back on Monday')`)
  await query(`INSERT INTO workflow_traces (trace_id, call_id) VALUES ('trace-1', 'call-1')`)
}

function marks(dialect: Dialect, count: number): string {
  return Array.from({ length: count }, (_, i) => (dialect === 'postgres' ? `$${i + 1}` : '?')).join(', ')
}

const tables = [
  'calls',
  'conversation_history',
  'contacts',
  'call_notes',
  'system_metrics',
  'workflow_traces',
  'agent_executions',
  'performance_metrics',
  'agent_transitions',
  'tier_escalation_events',
]

/** All rows with all columns. */
async function contents({ query }: TestDatabase): Promise<Record<string, readonly Row[]>> {
  const found: Record<string, readonly Row[]> = {}
  for (const table of tables) found[table] = await query(`SELECT * FROM ${table} ORDER BY id`)
  return found
}

/** What 003 adds, at its defaults, to rows of before. */
function withDefaults(before: Record<string, readonly Row[]>, dialect: Dialect): Record<string, readonly Row[]> {
  const context = { context_pruned: dialect === 'postgres' ? false : 0, pruning_count: 0, total_context_tokens: 0 }
  return {
    ...before,
    calls: (before.calls ?? []).map((row) => ({ ...row, ...context })),
    conversation_history: (before.conversation_history ?? []).map((row) => ({
      ...row,
      importance_score: 0,
      token_count: 0,
    })),
  }
}

async function indexes({ query, dialect }: TestDatabase): Promise<string[]> {
  const sql =
    dialect === 'postgres'
      ? "SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix!_%' ESCAPE '!'"
      : "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'ix!_%' ESCAPE '!'"
  return (await query(`${sql} ORDER BY 1`)).map(({ name }) => String(name))
}

const losses = [
  { revision: '003_context_management', table: 'conversation_history', column: 'token_count', rows: 2 },
  { revision: '003_context_management', table: 'calls', column: 'context_pruned', rows: 1 },
  { revision: '003_context_management', table: 'calls', column: 'pruning_count', rows: 1 },
].map((loss) => ({ ...loss, isArchived: false }))

async function refusal(act: Promise<unknown>): Promise<{ code?: string; message: string }> {
  return act.then(
    () => ({ message: 'It was done.' }),
    (error: unknown) => error as { code: string; message: string },
  )
}

describe.each<Dialect>(['sqlite', 'postgres'])("the guide's five revisions on %s", (dialect) => {
  const canRun = dialect === 'sqlite' || inject('postgres') !== null

  async function opened(): Promise<{ database: TestDatabase; migrator: Migrator } & AsyncDisposable> {
    const database = await testDatabase(dialect === 'sqlite' ? { dialect } : { dialect, server: serverUrl() })
    const migrator = createMigrator({ connection: database.location, migrations: callMigrations })
    return {
      database,
      migrator,
      async [Symbol.asyncDispose]() {
        await migrator[Symbol.asyncDispose]()
        await database[Symbol.asyncDispose]()
      },
    }
  }

  it.runIf(canRun)('go to 004, down to 002 and up again with rows in them', { timeout: 60_000 }, async () => {
    await using both = await opened()
    const { database, migrator } = both
    await migrator.up({ to: '002' })
    await fill(database)
    const before = await contents(database)
    expect([before.calls, before.conversation_history].map((rows) => rows?.length)).toEqual([
      calls,
      calls * messagesPerCall,
    ])
    const indexesBefore = await indexes(database)

    const up = await migrator.up({ to: '004' })
    expect(up.revisions.flatMap(({ actions }) => actions)).toEqual([
      'run backfill_message_tokens',
      'run backfill_context_fields',
    ])
    expect(await contents(database)).toEqual(withDefaults(before, dialect))
    const indexesAfter = await indexes(database)
    expect(indexesAfter).toHaveLength(indexesBefore.length + 13)

    // As the two backfills leave some rows.
    const yes = dialect === 'postgres' ? 'true' : '1'
    await database.query(`UPDATE calls SET context_pruned = ${yes}, pruning_count = 2 WHERE call_id = 'call-3'`)
    await database.query(
      "UPDATE conversation_history SET token_count = 9 WHERE call_id = 'call-3' AND message_order < 2",
    )
    const filled = await contents(database)

    const { losses: planned } = await migrator.plan('down', '002')
    expect(planned).toEqual(expect.arrayContaining(losses))
    expect(planned).toHaveLength(losses.length)
    const refused = await refusal(migrator.down({ to: '002' }))
    expect(refused.code).toBe('LOSS_REFUSED')
    expect(refused.message).toContain('calls.pruning_count: 1 rows hold a value other than the default')
    expect(await contents(database)).toEqual(filled)
    expect((await migrator.status()).current).toEqual(['004_performance_indexes'])

    await migrator.down({ to: '002', acceptLoss: true })
    expect(await contents(database)).toEqual(before)
    expect(await indexes(database)).toEqual(indexesBefore)
    const [lost] = (await migrator.events()).filter(({ action, detail }) => action === 'down' && detail !== '')
    expect(lost?.detail).toContain('lost: calls.context_pruned')

    await migrator.up()
    expect(await contents(database)).toEqual(withDefaults(before, dialect))
    expect(await indexes(database)).toEqual(indexesAfter)
  })

  it.runIf(canRun)('refuse a value that no row has, once 003 is there', { timeout: 60_000 }, async () => {
    await using both = await opened()
    const { database, migrator } = both
    await migrator.up({ to: '003' })
    await fill(database)
    const nulled = await refusal(database.query('UPDATE calls SET pruning_count = NULL'))
    expect(nulled.message).toMatch(/not.?null/i)
  })
})
