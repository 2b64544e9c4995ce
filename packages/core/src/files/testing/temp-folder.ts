import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** An empty folder that goes when the test ends. */
export function tempFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'drover-files-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The same in memory where the system has such a place: for tests that wait for the disk thousands of times. */
export function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return tempFolder('/dev/shm')
  } catch {
    return tempFolder()
  }
}
