import type { Redis } from 'ioredis'
import type { Knex } from 'knex'

/** A message as LangChain writes it down. */
export interface Message {
  readonly session: string
  readonly json: string
  readonly at: string
}

/** Messages of three sessions, interleaved: questions, calls of a tool, its answers, and answers whose content is a list. */
export function conversation(turns: number): Message[] {
  const sessions = ['customer-1', 'customer-2', 'visitor/3']
  return Array.from({ length: turns * sessions.length }, (_, n) => {
    const turn = Math.floor(n / sessions.length)
    const session = sessions[n % sessions.length] ?? ''
    const at = new Date(Date.UTC(2024, 11, 1) + n * 86_400_000).toISOString()
    return { session, at, json: JSON.stringify(message(n, turn, session)) }
  })
}

function message(n: number, turn: number, session: string): object {
  const common = { additional_kwargs: {}, response_metadata: {}, name: null, id: `message-${n}` }
  const call = `call-${session}-${turn - (turn % 4)}`
  switch (turn % 4) {
    case 0:
      return { type: 'human', data: { ...common, type: 'human', content: `How is the weather in Wien, ${session}?` } }
    case 1: {
      const tool_calls = [{ name: 'weather', args: { city: 'Wien' }, id: call, type: 'tool_call' }]
      return { type: 'ai', data: { ...common, type: 'ai', content: '', tool_calls, invalid_tool_calls: [] } }
    }
    case 2:
      return {
        type: 'tool',
        data: { ...common, type: 'tool', content: '21 °C', tool_call_id: call, status: 'success' },
      }
    default:
      return {
        type: 'ai',
        data: { ...common, type: 'ai', content: ['It is ', { type: 'text', text: '21 °C.' }], tool_calls: [] },
      }
  }
}

/** A table as LangChain has it in PostgreSQL, with the time of each message. */
export async function fillPostgres(database: Knex, table: string, messages: readonly Message[]): Promise<void> {
  await database.schema.createTable(table, (columns) => {
    columns.increments('id')
    columns.text('session_id').notNullable()
    columns.jsonb('message').notNullable()
    columns.timestamp('created_at').notNullable().defaultTo(database.fn.now())
  })
  const rows = messages.map(({ session, json, at }) => ({ session_id: session, message: json, created_at: at }))
  await database.batchInsert(table, rows)
}

/** A table as LangChain has it in SQLite. */
export async function fillSqlite(database: Knex, messages: readonly Message[]): Promise<void> {
  await database.schema.createTable('message_store', (columns) => {
    columns.increments('id')
    columns.text('session_id')
    columns.text('message')
  })
  const rows = messages.map(({ session, json }) => ({ session_id: session, message: json }))
  await database.batchInsert('message_store', rows, 100)
}

/** A list for each session, the newest message first. */
export async function fillRedis(redis: Redis, prefix: string, messages: readonly Message[]): Promise<void> {
  for (const { session, json } of messages) await redis.lpush(`${prefix}${session}`, json)
}
