import knex, { type Knex } from 'knex'
import type { AgentDatabaseOptions } from './make-agent-database.js'
import { type Message, messagesOf } from './messages.js'

export interface AgentTablesOptions extends Pick<AgentDatabaseOptions, 'messages' | 'seed' | 'until'> {
  /** Of a PostgreSQL database that has no such tables yet. */
  readonly url: string
}

const rowsPerStatement = 5_000

/** Makes the same calls and messages in PostgreSQL, in the tables that the application's migrations make there. */
export async function makeAgentTables(options: AgentTablesOptions): Promise<{ messages: number; calls: number }> {
  const { url, messages = 50_000, seed = 1, until = new Date() } = options
  const db = knex({ client: 'pg', connection: url, pool: { min: 1, max: 1 } })
  try {
    await db.raw(tables)
    let some: Message[] = []
    for (const message of messagesOf(messages, seed, until)) {
      some.push(message)
      if (some.length < rowsPerStatement) continue
      await insert(db, some)
      some = []
    }
    await insert(db, some)
    await db.raw(ends)
    const [calls] = await db('calls').count({ count: '*' })
    return { messages, calls: Number(calls?.count) }
  } finally {
    await db.destroy()
  }
}

async function insert(db: Knex, messages: readonly Message[]): Promise<void> {
  const rows = JSON.stringify(messages)
  await db.raw(insertCalls, [rows])
  await db.raw(insertMessages, [rows])
}

const tables = `
  CREATE TABLE calls (
    id serial PRIMARY KEY,
    call_id varchar(255) NOT NULL UNIQUE,
    phone_number varchar(20) NOT NULL,
    status varchar(50) NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    duration_seconds float,
    lead_data json,
    qualification_score float,
    qualified boolean,
    initial_tier varchar(50) NOT NULL,
    final_tier varchar(50),
    tier_switches int,
    escalation_trigger varchar(100),
    total_cost float,
    llm_cost float,
    tts_cost float,
    stt_cost float,
    avg_response_time_ms float,
    llm_latency_ms float,
    tts_latency_ms float,
    stt_latency_ms float,
    error_occurred boolean,
    error_message text,
    error_code varchar(50),
    conversation_summary text,
    total_messages int,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz,
    workflow_context_id varchar(255),
    current_agent varchar(100),
    agent_transition_count int,
    tier_escalation_trigger varchar(100),
    context_pruned boolean NOT NULL DEFAULT false,
    pruning_count int NOT NULL DEFAULT 0,
    total_context_tokens int NOT NULL DEFAULT 0
  );
  CREATE TABLE conversation_history (
    id serial PRIMARY KEY,
    call_id varchar(255) NOT NULL REFERENCES calls (call_id),
    message_order int NOT NULL,
    role varchar(20) NOT NULL,
    content text NOT NULL,
    processing_time_ms float,
    confidence_score float,
    agent_type varchar(50),
    agent_state json,
    llm_tokens_used int,
    tts_characters int,
    processing_cost float,
    created_at timestamptz DEFAULT now(),
    importance_score float NOT NULL DEFAULT 0.0,
    token_count int NOT NULL DEFAULT 0
  );
  CREATE INDEX ix_calls_context_pruned ON calls (context_pruned);
  CREATE INDEX ix_calls_pruning_count ON calls (pruning_count);
  CREATE INDEX ix_calls_total_context_tokens ON calls (total_context_tokens);
  CREATE INDEX ix_calls_context_pruned_tokens ON calls (context_pruned, total_context_tokens);
  CREATE INDEX ix_calls_context_pruned_only ON calls (total_context_tokens, pruning_count) WHERE context_pruned = true;
  CREATE INDEX ix_conversation_history_importance_score ON conversation_history (importance_score);
  CREATE INDEX ix_conversation_history_token_count ON conversation_history (token_count);
  CREATE INDEX ix_conversation_history_call_importance ON conversation_history (call_id, importance_score);
  CREATE INDEX ix_conversation_history_important_only ON conversation_history (call_id, importance_score) WHERE importance_score > 0.5;
`

const insertCalls = `
  INSERT INTO calls (call_id, phone_number, status, initial_tier, created_at)
  SELECT call_id, '+49 30 ' || lpad((min(id)::bigint * 7919 % 10000000)::text, 7, '0'), 'completed', 'standard',
    min(created_at::timestamp) AT TIME ZONE 'UTC'
  FROM json_to_recordset(?::json) AS message (id int, call_id text, created_at text)
  GROUP BY call_id ORDER BY call_id
  ON CONFLICT (call_id) DO NOTHING`

const insertMessages = `
  INSERT INTO conversation_history (id, call_id, message_order, role, content, agent_type, agent_state, created_at)
  SELECT id, call_id, message_order, role, content, agent_type, agent_state::json, created_at::timestamp AT TIME ZONE 'UTC'
  FROM json_to_recordset(?::json) AS message
    (id int, call_id text, message_order int, role text, content text, agent_type text, agent_state text, created_at text)
  ORDER BY id`

const ends = `
  SELECT setval('conversation_history_id_seq', greatest(1, (SELECT max(id) FROM conversation_history)));
  ANALYZE calls, conversation_history`
