import { readFile, writeFile } from 'node:fs/promises'
import knex from 'knex'
import type { Places, Target } from './copies.js'

/** Changes one record of a copy, to show that the comparison finds it. */
export async function tamper(target: Target, { file, copy }: Places): Promise<void> {
  if (target === 'database') return tamperTable(copy)
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('"role":"user"', '"role":"admin"'))
}

export async function tamperTable(filename: string): Promise<void> {
  const db = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
  try {
    await db.raw(`update messages set role = 'admin' where id = (select max(id) from messages)`)
  } finally {
    await db.destroy()
  }
}
