/** https://github.com/langchain-ai/langchain-postgres/blob/main/langchain_postgres/chat_message_histories.py */
export function uuidHistory(table: string): readonly string[] {
  const index = quoted(`idx_${table.slice(table.lastIndexOf('.') + 1)}_session_id`)
  return [
    `CREATE TABLE IF NOT EXISTS ${quoted(table)} (
      id SERIAL PRIMARY KEY,
      session_id UUID NOT NULL,
      message JSONB NOT NULL,
      created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
    )`,
    `CREATE INDEX IF NOT EXISTS ${index} ON ${quoted(table)} (session_id)`,
  ]
}

/** https://github.com/langchain-ai/langchain-community/blob/main/libs/community/langchain_community/chat_message_histories/postgres.py */
export function textHistory(table: string): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${quoted(table)} (
      id SERIAL PRIMARY KEY,
      session_id TEXT NOT NULL,
      message JSONB NOT NULL
    )`,
  ]
}

/** What SQLAlchemy makes of the model of SQLChatMessageHistory. */
export function sqliteHistory(table: string): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS "${table.replaceAll('"', '""')}" (
	id INTEGER NOT NULL, 
	session_id TEXT, 
	message TEXT, 
	PRIMARY KEY (id)
)`,
  ]
}

/** As the adapter takes names: a dot stands behind the schema. */
function quoted(name: string): string {
  const dot = name.indexOf('.')
  const parts = dot < 0 ? [name] : [name.slice(0, dot), name.slice(dot + 1)]
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.')
}
