import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkText, DroverError, namesIn } from '@drover/core'
import type { Backup } from './backup-manifest.js'
import { readBackup } from './read-manifest.js'

/** One in a list: what is wrong with it, as far as it can be seen without reading all of it. */
export interface ListedBackup extends Backup {
  readonly problem?: string
}

/** What lies in a folder, the oldest first. Files without a manifest are no backups. None if there is no such folder. */
export async function listBackups(folder: string): Promise<readonly ListedBackup[]> {
  checkText('listBackups', 'folder', folder)
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.json') && !name.startsWith('.'))
  const found: ListedBackup[] = []
  for (const name of names) {
    const listed = await lookAt(join(folder, name))
    if (listed !== null) found.push(listed)
  }
  return found.sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

function order({ manifest }: Backup): string {
  return `${manifest.at} ${manifest.timestamp}`
}

/** Null of a file that is something else. */
async function lookAt(path: string): Promise<ListedBackup | null> {
  try {
    const listed = await readBackup(path)
    const found = await stat(listed.path).catch(() => null)
    const { bytes } = listed.manifest
    if (found?.size === bytes) return listed
    return {
      ...listed,
      problem: found === null ? 'the file is gone' : `it has ${found.size} bytes instead of ${bytes}`,
    }
  } catch (error) {
    // Other files may lie there; whoever asks for one of them by its path is told what it lacks.
    if (DroverError.isInstance(error, 'BACKUP_INVALID')) return null
    throw error
  }
}

/** A backup in one line. */
export function backupSaid({ manifest, problem }: ListedBackup): string {
  const { timestamp, database, heads, bytes, tables } = manifest
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  const at = heads.length === 0 ? 'without revisions' : `at ${heads.join(', ')}`
  return `${timestamp} of ${database} ${at}, ${rows} rows in ${tables.length} tables, ${bytes} bytes${problem === undefined ? '' : `: ${problem}`}`
}
