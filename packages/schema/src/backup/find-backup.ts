import { existsSync } from 'node:fs'
import { DroverError } from '@drover/core'
import { baseOf } from './backup-files.js'
import type { Backup } from './backup-manifest.js'
import type { DatabaseIdentity } from './database-identity.js'
import { backupSaid, type ListedBackup, listBackups } from './list-backups.js'
import { readBackup } from './read-manifest.js'

export interface BackupAsked {
  readonly folder: string
  /** A timestamp, `latest`, a file's name in the folder, or a path. */
  readonly backup: string
  /** Of the database that it is for: `latest` is the latest of it. */
  readonly about: DatabaseIdentity
}

/** @throws `BACKUP_UNKNOWN`, which lists what there is */
export async function findBackup({ folder, backup, about }: BackupAsked): Promise<Backup> {
  if (/[/\\]/.test(backup) || (/\.(?:db|sql|json)$/.test(backup) && existsSync(backup))) return readBackup(backup)
  const all = await listBackups(folder)
  const own = all.filter(({ manifest }) => manifest.identity === about.identity)
  if (backup === 'latest') {
    const of = own.length > 0 ? own : all.filter(({ manifest }) => manifest.database === about.database)
    const latest = of.filter(({ manifest }) => manifest.isKept !== true).at(-1)
    if (latest !== undefined) return latest
    throw unknown(`There is no backup of ${about.database} in ${folder}`, all)
  }
  const [only, ...more] = fitting(own, backup).length > 0 ? fitting(own, backup) : fitting(all, backup)
  if (only === undefined) throw unknown(`There is no backup "${backup}" in ${folder}`, all)
  if (more.length === 0) return only
  throw unknown(`Several backups in ${folder} fit "${backup}"; name the file`, [only, ...more])
}

/** Of the whole name rather than of a beginning. */
function fitting(all: readonly ListedBackup[], asked: string): ListedBackup[] {
  const name = baseOf(asked)
  const exact = all.filter(({ path, manifest }) => manifest.timestamp === name || baseOf(path) === name)
  return exact.length > 0 ? exact : all.filter(({ manifest }) => manifest.timestamp.startsWith(name))
}

function unknown(what: string, all: readonly ListedBackup[]): DroverError {
  const there = all.length === 0 ? ' There are none.' : ` There are:\n${all.map(backupSaid).join('\n')}`
  return new DroverError('BACKUP_UNKNOWN', `${what}.${there}`)
}
