import { copyFile, readFile } from 'node:fs/promises'

/** What Python's saver said of a checkpoint of a fixture. */
export interface Said {
  readonly thread_id: string
  readonly checkpoint_ns: string
  readonly checkpoint_id: string
  readonly parent_checkpoint_id: string | null
  readonly checkpoint: Readonly<Record<string, unknown>>
  /** By channel, as Python shows them. */
  readonly values: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, unknown>>
  readonly writes: readonly (readonly [task: string, channel: string, value: string])[]
}

export const aesKey = '0123456789abcdef'

const folder = new URL('../../../../fixtures/langgraph/', import.meta.url)

/** Puts a fixture's tables into a database. */
export async function restore(
  name: 'postgres' | 'postgres-encrypted' | 'postgres-shallow',
  database: { query(sql: string): Promise<unknown> },
): Promise<void> {
  await database.query(await readFile(new URL(`${name}.sql`, folder), 'utf8'))
}

export async function copyStore(name: 'sqlite' | 'sqlite-encrypted', to: string): Promise<void> {
  await copyFile(new URL(`${name}.db`, folder), to)
}

/** In the order of keys. */
export async function said(
  name: 'postgres' | 'postgres-encrypted' | 'postgres-shallow' | 'sqlite' | 'sqlite-encrypted',
): Promise<readonly Said[]> {
  return JSON.parse(await readFile(new URL(`${name}.json`, folder), 'utf8')) as readonly Said[]
}
