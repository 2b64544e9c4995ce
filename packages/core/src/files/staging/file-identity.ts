import { type FileHandle, stat } from 'node:fs/promises'
import { systemCode } from '../../disk/file-error.js'
import type { FileIdentity } from './manifest.js'

/** What a path leads to now; null if to nothing. */
export async function identityOf(path: string): Promise<FileIdentity | null> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true })
    return { inode: String(ino), size: Number(size), modified: String(mtimeNs) }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

/** The same of an open file. */
export async function identityOfOpen(handle: FileHandle): Promise<FileIdentity> {
  const { ino, size, mtimeNs } = await handle.stat({ bigint: true })
  return { inode: String(ino), size: Number(size), modified: String(mtimeNs) }
}

export function isSameFile(a: FileIdentity | null | undefined, b: FileIdentity | null | undefined): boolean {
  return a != null && b != null && a.inode === b.inode && a.size === b.size && a.modified === b.modified
}
