import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { MessageRecord } from '../../../records/message-record.js'

/** A file that the libraries wrote. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../../fixtures/langchain/${name}`, import.meta.url))
}

/** What of a message must be the same in every store. */
export type Comparable = Omit<MessageRecord, 'order' | 'created_at'>

export function comparable({ order: _, created_at: __, ...message }: MessageRecord): Comparable {
  return message
}

/** The messages that the libraries were given, in that order. */
export function addedMessages(): readonly Comparable[] {
  return lines('messages.ndjson').map((line) => {
    // The seed is one that JavaScript's numbers cannot hold.
    const added = JSON.parse(line, (name, value: unknown) => (name === 'seed' ? 9007199254740993n : value))
    const { content, tool_calls = null, ...data } = added.message.data
    return { session_id: added.session_id, type: added.message.type, content, tool_calls, data }
  })
}

/** Messages of one session after the other, each in its order. */
export function bySession<M extends { readonly session_id: string }>(messages: readonly M[]): readonly M[] {
  const sessions = [...new Set(messages.map(({ session_id }) => session_id))].sort()
  return sessions.flatMap((session) => messages.filter(({ session_id }) => session_id === session))
}

export function lines(name: string): readonly string[] {
  return readFileSync(fixture(name), 'utf8').trimEnd().split('\n')
}

interface Dump {
  readonly table: string
  readonly columns: readonly (readonly [name: string, type: string, isRequired: boolean, fallback: string | null])[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Makes a table of a library again, in an empty database. */
export async function restoreTable(
  database: { query(sql: string, values?: unknown[]): Promise<unknown> },
  name: string,
): Promise<void> {
  const { table, columns, rows } = JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8')) as Dump
  const declared = columns.map(([column, type, isRequired, fallback]) => {
    const rest = column === 'id' ? 'SERIAL PRIMARY KEY' : `${type}${isRequired ? ' NOT NULL' : ''}`
    return `${column} ${rest}${column === 'id' || fallback === null ? '' : ` DEFAULT ${fallback}`}`
  })
  await database.query(`CREATE TABLE ${table} (${declared.join(', ')})`)
  for (const row of rows) {
    const places = row.map((_, i) => `$${i + 1}`).join(', ')
    await database.query(`INSERT INTO ${table} VALUES (${places})`, [...row])
  }
  await database.query(`SELECT setval('${table}_id_seq', ${rows.length})`)
}
