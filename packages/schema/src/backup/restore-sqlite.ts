import { chmod, chown, copyFile, link, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DroverError, namesIn, outputError, syncFolder, systemCode } from '@drover/core'
import type { SchemaDatabase } from '../contracts/database.js'
import type { Backup } from './backup-manifest.js'
import { sha256OfFile, syncFile } from './durable-file.js'
import { type Locked, lockSqlite } from './lock-sqlite.js'
import { releaseLeases } from './release-leases.js'
import { openStored, readWhole } from './stored-sqlite.js'

export interface ReplaceOptions {
  readonly keep: boolean
  readonly tablePrefix?: string
  /** Told before each step, for tests of what a kill leaves. */
  readonly onStep?: (step: ReplaceStep) => void
}

export type ReplaceStep = 'copy' | 'verify' | 'lock' | 'keep' | 'replace' | 'release' | 'end'

/** What the log and the index of the log are called, and a rollback journal. */
const companions = ['-wal', '-shm', '-journal'] as const

/**
 * Puts a backup's copy in the place of a database's file by a rename. While the old one is locked nobody can write to it; before the rename its
 * write-ahead log is in it and gone, so that it can never be applied to the new one.
 *
 * @throws `STORE_BUSY`, `BACKUP_INVALID`, `STORE_FULL`, `STORE_DENIED`
 */
export async function replaceSqlite(
  { path: given, name }: SchemaDatabase,
  { path: source, manifest }: Backup,
  { keep, tablePrefix = 'drover_', onStep = () => {} }: ReplaceOptions,
): Promise<{ readonly kept: string | null; readonly notes: readonly string[] }> {
  const path = await realpath(given ?? '').catch(() => given ?? '')
  const fresh = `${path}.restoring-${process.pid}`
  await removeLeftovers(path)
  try {
    onStep('copy')
    await copyFile(source, fresh)
    if ((await sha256OfFile(fresh)).sha256 !== manifest.sha256)
      throw new DroverError(
        'BACKUP_INVALID',
        `${source} changed while it was copied. ${name} is as before; call again.`,
      )
    onStep('verify')
    await prepare(fresh, path, source, manifest, tablePrefix)
    onStep('lock')
    const locked = await lockSqlite(path, name)
    let isReplaced = false
    try {
      onStep('keep')
      const kept = locked === null || !keep ? null : await keepOld(path, locked)
      if (locked?.isDamaged === true) for (const each of companions) await rm(`${path}${each}`, { force: true })
      await refuseLog(path, name)
      onStep('replace')
      await rename(fresh, path)
      isReplaced = true
      await syncFolder(dirname(path))
      onStep('release')
      return { kept, notes: locked?.notes ?? [] }
    } finally {
      await locked?.release(isReplaced)
      onStep('end')
    }
  } catch (error) {
    throw systemCode(error)?.startsWith('E') === true ? outputError(error, name) : error
  } finally {
    for (const each of ['', ...companions]) await rm(`${fresh}${each}`, { force: true })
  }
}

/** Gives the copy the journal mode and the rights of the database, and reads all of it. */
async function prepare(
  fresh: string,
  path: string,
  source: string,
  manifest: Backup['manifest'],
  prefix: string,
): Promise<void> {
  const sqlite = await openStored(fresh, undefined, { isReadonly: false })
  try {
    const { problems } = await readWhole(sqlite, manifest.tables)
    if (problems.length > 0)
      throw new DroverError(
        'BACKUP_INVALID',
        `What ${source} made is not what its manifest says: ${problems.join('; ')}.`,
      )
    const release = releaseLeases(manifest.catalog, prefix)
    if (release !== null) await sqlite.exec(release)
    if (manifest.journalMode === 'wal') await sqlite.exec('PRAGMA journal_mode = WAL')
  } finally {
    await sqlite[Symbol.asyncDispose]()
  }
  const old = await stat(path).catch(() => null)
  if (old !== null) {
    await chmod(fresh, old.mode & 0o7777)
    // Only the superuser may give files away; who is not keeps them.
    if (process.getuid?.() === 0) await chown(fresh, old.uid, old.gid)
  } else await chmod(fresh, 0o600)
  await syncFile(fresh)
}

async function keepOld(path: string, { isDamaged }: Locked): Promise<string> {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_')
  const taken = new Set(await namesIn(dirname(path)))
  const base = `${path}.before-restore-${stamp}`
  let kept = base
  for (let n = 2; taken.has(basename(kept)); n++) kept = `${base}_${n}`
  // What cannot be read by SQLite any more is kept as it lies there.
  for (const each of isDamaged ? ['', ...companions] : ['']) {
    try {
      await link(`${path}${each}`, `${kept}${each}`)
    } catch (error) {
      if (systemCode(error) === 'ENOENT' && each !== '') continue
      throw error
    }
  }
  await syncFolder(dirname(path))
  return kept
}

/** A log beside the new file would be applied to it. @throws `STORE_BUSY` */
async function refuseLog(path: string, name: string): Promise<void> {
  for (const each of companions) {
    const found = await stat(`${path}${each}`).catch(() => null)
    if (found === null) continue
    throw new DroverError(
      'STORE_BUSY',
      `Somebody opened ${name} while it was replaced (${basename(path)}${each} is there again). It is as before. Stop whatever uses it, and call again.`,
    )
  }
}

/** Copies of restores that were killed: whoever made them is gone. */
async function removeLeftovers(path: string): Promise<void> {
  const mine = `${basename(path)}.restoring-`
  for (const name of await namesIn(dirname(path))) {
    const pid = name.startsWith(mine) ? /^\d+/.exec(name.slice(mine.length))?.[0] : undefined
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(dirname(path), name), { force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
