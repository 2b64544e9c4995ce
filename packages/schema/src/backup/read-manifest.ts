import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DroverError, readIfThere } from '@drover/core'
import { manifestPath } from './backup-files.js'
import type { Backup, BackupManifest } from './backup-manifest.js'

/** @param path Of the backup's file or of its manifest. @throws `BACKUP_UNKNOWN`, `BACKUP_INVALID` */
export async function readBackup(path: string): Promise<Backup> {
  const beside = path.endsWith('.json') ? path : manifestPath(path)
  const text = await readIfThere(beside)
  if (text === null) {
    const found = await stat(path).catch(() => null)
    if (found === null) throw new DroverError('BACKUP_UNKNOWN', `There is no backup ${path}.`)
    throw new DroverError(
      'BACKUP_INVALID',
      `${path} has no manifest ${beside} beside it: it is no backup that was made by Drover, or one that was not finished.`,
    )
  }
  const manifest = manifestIn(text, beside)
  return { path: join(dirname(beside), manifest.file), manifest }
}

function manifestIn(text: string, path: string): BackupManifest {
  const invalid = (what: string): DroverError => new DroverError('BACKUP_INVALID', `The manifest ${path} ${what}.`)
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    throw invalid('is no JSON: it was cut off or changed')
  }
  const manifest = read as Partial<BackupManifest> | null
  if (manifest?.drover !== 'backup') throw invalid('is none of a backup')
  if (manifest.format !== 1) throw invalid(`has the form ${String(manifest.format)}, which this release does not know`)
  const { timestamp, file, sha256, identity, database, tables, catalog } = manifest
  const texts = [timestamp, file, sha256, identity, database]
  if (texts.some((each) => typeof each !== 'string') || !Array.isArray(tables) || catalog === undefined)
    throw invalid('lacks something: it was changed')
  if (/[/\\]/.test(String(file))) throw invalid('names a file in another folder')
  return manifest as BackupManifest
}
