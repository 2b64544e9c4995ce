import { rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makePath, syncFolder, systemCode } from '@drover/core'

/** A folder that is part of the output: with the rights that are usual here. */
export async function makeVisibleFolder(path: string): Promise<void> {
  const first = await makePath(path)
  if (first === undefined) return
  for (let at = path; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at))
}

/** Removes a folder unless something is in it, or it is gone. */
export async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemCode(error) ?? '')) throw error
  }
}
