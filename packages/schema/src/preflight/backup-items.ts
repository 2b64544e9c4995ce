import { DroverError, type Operation } from '@drover/core'
import type { Backup } from '../backup/backup-manifest.js'
import { identityOf } from '../backup/database-identity.js'
import { listBackups } from '../backup/list-backups.js'
import { verifyBackup } from '../backup/verify-backup.js'
import type { SchemaDatabase } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import { checksumsOf, readRehearsals } from '../rehearse/rehearsal-record.js'
import { ask, failed, ok, type PreflightItem } from './preflight-item.js'

interface Asked {
  readonly database: SchemaDatabase
  readonly folder: string | undefined
  readonly backupMaxAgeMs: number
  readonly current: readonly string[]
  readonly pending: readonly Migration[]
}

/** Whether there is a backup to go back to, the revisions were tried out on one, and there is a way back. */
export async function backupItems(asked: Asked, operation: Operation): Promise<readonly PreflightItem[]> {
  const { database, folder, pending } = asked
  if (folder === undefined) {
    const said = 'No folder with backups was named.'
    return [failed('backup', said), failed('rehearsed', said), rollback(pending, false)]
  }
  const { identity } = await identityOf(database, operation)
  const backup = await backupItem(asked, folder, identity)
  const rehearsed = await rehearsedItem(asked, folder, identity)
  return [backup, rehearsed, rollback(pending, backup.status === 'ok')]
}

async function backupItem(
  { backupMaxAgeMs, current }: Asked,
  folder: string,
  identity: string,
): Promise<PreflightItem> {
  const own = (await listBackups(folder)).filter(({ manifest }) => manifest.identity === identity)
  const latest: Backup | undefined = own.filter(({ manifest }) => manifest.isKept !== true).at(-1)
  if (latest === undefined) return failed('backup', `There is no backup of this database in ${folder}.`)
  const { at, timestamp, heads } = latest.manifest
  const age = Date.now() - Date.parse(at)
  if (age > backupMaxAgeMs)
    return failed('backup', `The latest backup, ${timestamp}, is ${spoken(age)} old. Take another one.`)
  if ([...heads].sort().join() !== [...current].sort().join())
    return failed(
      'backup',
      `The latest backup, ${timestamp}, is of another state (${heads.join(', ') || 'base'}). Take another one.`,
    )
  try {
    await verifyBackup(latest.path)
  } catch (error) {
    if (DroverError.isInstance(error, 'BACKUP_INVALID')) return failed('backup', error.message)
    throw error
  }
  return ok('backup', `${latest.path}, ${spoken(age)} old, was read and is whole.`)
}

async function rehearsedItem({ database, pending }: Asked, folder: string, identity: string): Promise<PreflightItem> {
  if (pending.length === 0) return ok('rehearsed', 'There is nothing to apply.')
  const checksums = await checksumsOf(pending, database.dialect)
  const records = (await readRehearsals(folder)).filter((record) => record.identity === identity)
  const record = records.find(({ revisions }) => {
    const known = new Map(revisions.map(({ id, checksum }) => [id, checksum]))
    return pending.every(({ id }) => known.get(id) === checksums.get(id))
  })
  if (record === undefined) {
    return failed(
      'rehearsed',
      records.length === 0
        ? `No rehearsal on a copy is noted in ${folder}. Rehearse with a backup.`
        : 'The revisions were rehearsed as they are now by nobody: they were edited, or others came in. Rehearse again.',
    )
  }
  const took = record.revisions.reduce((sum, { durationMs }) => sum + durationMs, 0)
  const back = record.wentBack ? 'and taken back without a trace' : 'but not taken back without a trace'
  return ok('rehearsed', `Applied to a copy of ${record.timestamp} in ${spoken(took)}, ${back}.`)
}

function rollback(pending: readonly Migration[], hasBackup: boolean): PreflightItem {
  const without = pending.filter(({ down }) => typeof down !== 'function').map(({ id }) => id)
  if (without.length === 0) return ok('rollback', 'Each revision can be taken back.')
  const said = `${without.join(', ')} cannot be taken back`
  return hasBackup
    ? ask('rollback', `${said}: the way back is the backup, and what is written after it is lost with it.`)
    : failed('rollback', `${said}, and there is no backup to go back to.`)
}

function spoken(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}
