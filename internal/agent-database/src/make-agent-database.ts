import { rm } from 'node:fs/promises'
import knex from 'knex'
import { type Message, messagesOf, stamp } from './messages.js'

export interface AgentDatabaseOptions {
  readonly filename: string
  /** @default 50000 */
  readonly messages?: number
  /** The same seed makes the same rows. @default 1 */
  readonly seed?: number
  /** Every message and call is older than this by two hours at the least. @default now */
  readonly until?: Date
  /** @default 'better-sqlite3', as @drover/adapter-sqlite does: two copies of SQLite in one process do not see each other's locks */
  readonly driver?: 'sqlite3' | 'better-sqlite3'
}

const rowsPerStatement = 5_000

/** Makes the database of an agent application: its calls, and the messages of their conversations with no token counted yet. */
export async function makeAgentDatabase(options: AgentDatabaseOptions): Promise<{ messages: number; calls: number }> {
  const { filename, messages = 50_000, seed = 1, until = new Date(), driver = 'better-sqlite3' } = options
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${filename}${suffix}`, { force: true })
  const db = knex({ client: driver, connection: { filename }, useNullAsDefault: true, pool: { min: 1, max: 1 } })
  try {
    for (const statement of tables) await db.raw(statement)
    let some: Message[] = []
    for (const message of messagesOf(messages, seed, until)) {
      some.push(message)
      if (some.length < rowsPerStatement) continue
      await db.raw(insertMessages, [JSON.stringify(some)])
      some = []
    }
    await db.raw(insertMessages, [JSON.stringify(some)])
    await db.raw(insertCalls, [stamp(until)])
    const [calls] = await db('calls').count({ count: '*' })
    return { messages, calls: Number(calls?.count) }
  } finally {
    await db.destroy()
  }
}

const tables = [
  'pragma journal_mode = wal',
  // Messages come before their calls, which are made of them.
  'pragma foreign_keys = off',
  `create table calls (
    id integer primary key,
    call_id varchar(255) not null unique,
    phone_number varchar(20) not null,
    status varchar(50) not null,
    created_at datetime,
    context_pruned boolean not null default 0,
    pruning_count integer not null default 0,
    total_context_tokens integer not null default 0
  )`,
  `create table conversation_history (
    id integer primary key,
    call_id varchar(255) not null references calls (call_id) deferrable initially deferred,
    message_order integer not null,
    role varchar(20) not null,
    content text not null,
    agent_type varchar(50),
    agent_state json,
    created_at datetime,
    importance_score float not null default 0.0,
    token_count integer not null default 0
  )`,
  'create index ix_conversation_history_call_id on conversation_history (call_id)',
]

const insertMessages = `insert into conversation_history (id, call_id, message_order, role, content, agent_type, agent_state, created_at)
  select value ->> 'id', value ->> 'call_id', value ->> 'message_order', value ->> 'role', value ->> 'content',
    value ->> 'agent_type', value ->> 'agent_state', value ->> 'created_at'
  from json_each(?)`

const insertCalls = `insert into calls (call_id, phone_number, status, created_at)
  select call_id, printf('+49 30 %07d', rowid * 7919 % 10000000), 'completed', min(created_at, ?)
  from (select call_id, min(created_at) as created_at, min(rowid) as rowid from conversation_history group by call_id)
  order by call_id`
