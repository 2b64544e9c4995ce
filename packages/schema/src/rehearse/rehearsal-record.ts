import { join } from 'node:path'
import { namesIn, readIfThere } from '@drover/core'
import type { Dialect, Migration } from '../contracts/migration.js'
import { Recordings } from '../migrator/recordings.js'

/** What lies beside a backup when revisions were rehearsed on it, and went well. */
export interface RehearsalRecord {
  readonly drover: 'rehearsal'
  readonly format: 1
  /** ISO 8601. */
  readonly at: string
  /** Of the backup. */
  readonly timestamp: string
  /** The backup is of that database. */
  readonly identity: string
  /** Revisions that were applied, as they were then. */
  readonly revisions: readonly { readonly id: string; readonly checksum: string; readonly durationMs: number }[]
  /** They were taken back too, and everything was as before. */
  readonly wentBack: boolean
}

export async function checksumsOf(
  migrations: readonly Migration[],
  dialect: Dialect,
): Promise<ReadonlyMap<string, string>> {
  const recordings = new Recordings(dialect)
  const checksums = new Map<string, string>()
  for (const migration of migrations) checksums.set(migration.id, (await recordings.of(migration)).checksum)
  return checksums
}

export function recordPath(backup: string): string {
  return `${backup.replace(/\.(?:db|sql)$/, '')}.rehearsal.json`
}

/** Rehearsals on backups in a folder, the latest first. */
export async function readRehearsals(folder: string): Promise<readonly RehearsalRecord[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.rehearsal.json'))
  const records = await Promise.all(names.map(async (name) => recordIn(await readIfThere(join(folder, name)))))
  return records.filter((record) => record !== null).sort((a, b) => (a.at > b.at ? -1 : 1))
}

/** Null of what is none: it counts as a rehearsal that was not made. */
function recordIn(text: string | null): RehearsalRecord | null {
  try {
    const record = JSON.parse(text ?? 'null') as Partial<RehearsalRecord> | null
    return record?.drover === 'rehearsal' && record.format === 1 ? (record as RehearsalRecord) : null
  } catch {
    return null
  }
}
