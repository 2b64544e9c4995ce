import { copyFileSync, readFileSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import type { Redis } from 'ioredis'

/** The sessions of `messages`: one has a separator in its name. */
export const sessions = ['customer-1', 'customer-2', 'visitor/3'] as const

/** A message as LangChain writes it down. */
export interface KeptMessage {
  readonly session: string
  readonly json: string
  readonly at: string
}

/** Three sessions, interleaved, with calls of tools, and content that is a list. */
export const messages: readonly KeptMessage[] = Array.from({ length: 12 }, (_, i) => {
  const session = sessions[i % sessions.length] as string
  const turn = Math.floor(i / sessions.length)
  const common = { additional_kwargs: {}, response_metadata: {}, name: null, id: `m-${i}` }
  const call = { name: 'weather', args: { city: 'Wien', days: turn }, id: `call-${i - 3}`, type: 'tool_call' }
  const kinds = [
    { type: 'human', data: { ...common, type: 'human', content: `Grüße von ${session} 👋` } },
    {
      type: 'ai',
      data: { ...common, type: 'ai', content: '', tool_calls: [{ ...call, id: `call-${i}` }], invalid_tool_calls: [] },
    },
    { type: 'tool', data: { ...common, type: 'tool', content: '21 °C', tool_call_id: call.id, status: 'success' } },
    {
      type: 'ai',
      data: { ...common, type: 'ai', content: ['It is', { type: 'text', text: ' 21 °C' }], tool_calls: [] },
    },
  ] as const
  return { session, json: JSON.stringify(kinds[turn]), at: `2025-0${turn + 1}-15T12:00:00Z` }
})

const fixtures = path.resolve(import.meta.dirname, '../../../checkpoints/fixtures')

/** Checkpoints that Python's LangGraph wrote: how many there are. */
export const keptCheckpoints = {
  postgres: countOf('postgres.json'),
  sqlite: countOf('sqlite.json'),
} as const

function countOf(name: string): number {
  return (JSON.parse(readFileSync(path.join(fixtures, 'langgraph', name), 'utf8')) as unknown[]).length
}

interface Postgres {
  query(sql: string, values?: unknown[]): Promise<unknown>
}

/** A table as LangChain has it, with the time of each message. */
export async function fillPostgresHistory(database: Postgres, table: string): Promise<void> {
  await database.query(
    `CREATE TABLE ${table} (id SERIAL PRIMARY KEY, session_id TEXT NOT NULL, message JSONB NOT NULL, created_at TIMESTAMPTZ NOT NULL DEFAULT now())`,
  )
  for (const { session, json, at } of messages)
    await database.query(`INSERT INTO ${table} (session_id, message, created_at) VALUES ($1, $2, $3)`, [
      session,
      json,
      at,
    ])
}

export function fillSqliteHistory(filename: string): void {
  const database = new Database(filename)
  database.exec('CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)')
  const insert = database.prepare('INSERT INTO message_store (session_id, message) VALUES (?, ?)')
  for (const { session, json } of messages) insert.run(session, json)
  database.close()
}

/** Lists with the newest message first. */
export async function fillRedisHistory(redis: Redis, prefix: string): Promise<void> {
  for (const { session, json } of messages) await redis.lpush(`${prefix}${session}`, json)
}

/** The tables of LangGraph. */
export async function fillPostgresCheckpoints(database: Postgres): Promise<void> {
  await database.query(readFileSync(path.join(fixtures, 'langgraph/postgres.sql'), 'utf8'))
}

export function copySqliteCheckpoints(to: string): void {
  copyFileSync(path.join(fixtures, 'langgraph/sqlite.db'), to)
}
