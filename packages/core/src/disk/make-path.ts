import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { systemCode } from './file-error.js'

/** A folder above may be removed, by somebody who tidies up, as soon as it is made. */
const mostTries = 3

/**
 * Makes a folder and those above it. `mkdir` of Node with `recursive` never ends where a folder takes none, as `/proc` does: it makes the folder above
 * again for as long as that is said to be missing.
 *
 * @returns the highest folder that was made; undefined if all were there
 * @throws what the system says: `ENOENT` of the folder that could not be made, though the one above it is there
 */
export async function makePath(path: string, mode?: number): Promise<string | undefined> {
  let first: string | undefined
  for (let tries = 1; ; tries++) {
    try {
      await mkdir(path, { ...(mode === undefined ? {} : { mode }) })
      return first ?? resolve(path)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') {
        if (await isFolder(path)) return first
        throw error
      }
      if (tries === mostTries || dirname(resolve(path)) === resolve(path)) throw error
    }
    first = (await makePath(dirname(resolve(path)), mode)) ?? first
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false // what led here says why
  }
}
