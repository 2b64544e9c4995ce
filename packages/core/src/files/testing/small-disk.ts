import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { tempFolder } from './temp-folder.js'

const page = 4096

/** A file system of 256 KB in memory, gone when the test ends; null where this user may not mount one. */
export function smallDisk(): string | null {
  const folder = tempFolder()
  if (process.getuid?.() !== 0) return null
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]).status !== 0) return null
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  return folder
}

/** Fills a disk, but for so many pages of 4 KB; what it returns makes room again. */
export function fill(disk: string, pagesLeft = 0): () => void {
  const path = `${disk}/ballast`
  const file = openSync(path, 'w')
  let pages = 0
  try {
    for (;;) pages += writeSync(file, Buffer.alloc(page)) / page
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    ftruncateSync(file, (pages - pagesLeft) * page)
  } finally {
    closeSync(file)
  }
  return () => rmSync(path)
}
