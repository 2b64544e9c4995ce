import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import Database from 'better-sqlite3'

export const messagesTable = `create table messages (
  id integer primary key,
  thread_id text not null,
  role text not null,
  content text not null,
  token_count integer not null default 0,
  created_at text not null,
  metadata text
)`

/** A database of messages, made once per size and kept for the next time. */
export async function sampleDatabase(folder: string, rows: number): Promise<string> {
  const file = path.join(folder, `messages-${rows}.db`)
  if (existsSync(file)) return file
  const unfinished = `${file}.unfinished`
  await rm(unfinished, { force: true })
  const db = new Database(unfinished)
  db.pragma('journal_mode = off')
  db.exec(messagesTable)
  const insert = db.prepare(
    'insert into messages (id, thread_id, role, content, created_at, metadata) values (?, ?, ?, ?, ?, ?)',
  )
  const text =
    'the caller asks whether a smaller flat near the river would be free in spring, naïve café größer 東京 and what the rent includes since the present lease ends soon '.repeat(
      3,
    )
  db.transaction(() => {
    for (let id = 1; id <= rows; id++) {
      const from = (id * 7) % 150
      const at = new Date(1_735_689_600_000 + id * 1000).toISOString()
      insert.run(
        id,
        `thread-${id % 5000}`,
        id % 3 === 0 ? 'assistant' : 'user',
        text.slice(from, from + 120 + (id % 80)),
        at,
        `{"n":${id},"tags":["a","b"]}`,
      )
    }
  })()
  db.close()
  await rename(unfinished, file)
  return file
}
