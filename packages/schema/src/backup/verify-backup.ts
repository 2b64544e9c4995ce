import { stat } from 'node:fs/promises'
import { DroverError } from '@drover/core'
import type { Backup } from './backup-manifest.js'
import { sha256OfFile } from './durable-file.js'
import { problemsOf, readDump } from './read-dump.js'
import { readBackup } from './read-manifest.js'
import { openStored, readWhole } from './stored-sqlite.js'

/**
 * Reads a backup back: the file against the manifest's SHA-256; of SQLite also `integrity_check`, `foreign_key_check`, and the rows of each table;
 * of PostgreSQL the rows that are written in it. Nothing is changed, and no server is needed.
 *
 * @param path Of the backup's file or of its manifest.
 * @throws `BACKUP_UNKNOWN`, `BACKUP_INVALID`
 */
export async function verifyBackup(path: string): Promise<Backup> {
  const found = await readBackup(path)
  const problems = await problemsWith(found)
  if (problems.length === 0) return found
  throw new DroverError(
    'BACKUP_INVALID',
    `The backup ${found.path} cannot be used: ${problems.join('; ')}. Use another one.`,
  )
}

async function problemsWith({ path, manifest }: Backup): Promise<readonly string[]> {
  const { dialect, bytes, sha256, tables, sequences, brokenKeys = 0 } = manifest
  const found = await stat(path).catch(() => null)
  if (found === null) return ['the file is gone']
  if (found.size !== bytes) return [`it has ${found.size} bytes instead of ${bytes}`]
  if ((await sha256OfFile(path)).sha256 !== sha256) return ['its content was changed or damaged (SHA-256)']
  if (dialect === 'postgres') return problemsOf(await readDump(path), { tables, sequences })
  await using stored = await openStored(path, undefined, { isReadonly: true })
  const whole = await readWhole(stored, tables)
  if (whole.problems.length > 0 || whole.brokenKeys <= brokenKeys) return whole.problems
  return [`${whole.brokenKeys} rows refer to nothing, and ${brokenKeys} did when it was made`]
}
