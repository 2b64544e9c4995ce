import { existsSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { makeAgentDatabase } from './make-agent-database.js'

export interface SampleOptions {
  /** An existing database to work on. */
  readonly database?: string | undefined
  /** Where to make the sample. @default a new folder of the system's temporary ones */
  readonly folder?: string | undefined
  /** @default 12579, of which 12,456 have a content */
  readonly messages?: number | undefined
}

/** Of 12,589 messages of the first seed, 12,456 have a content. */
export const sampleMessages = 12_589

/** The database that an example works on: the given one, or a sample that is made now. */
export async function sampleDatabase(options: SampleOptions): Promise<string> {
  const { database, folder, messages = sampleMessages } = options
  if (database !== undefined) return database
  if (folder !== undefined) await mkdir(folder, { recursive: true })
  const filename = path.join(folder ?? (await mkdtemp(path.join(tmpdir(), 'drover-example-'))), 'agent.db')
  if (existsSync(filename)) throw new Error(`${filename} is there already. To work on it: --database ${filename}`)
  await makeAgentDatabase({ filename, messages })
  return filename
}
