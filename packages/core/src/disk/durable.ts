import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { systemCode } from './file-error.js'
import { makePath } from './make-path.js'

/** What Drover keeps may be anybody's data: for the owner alone. */
export const privateFile = 0o600
export const privateFolder = 0o700

/** What a system answers where folders cannot be synced, or not by this user: then its journal must do. */
const unsyncable = ['EINVAL', 'ENOTSUP', 'EACCES', 'EPERM']

/** Makes the names in a folder durable: a new file's own fsync does not (`man 2 fsync`). */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // folders cannot be opened there; NTFS keeps a journal of its names
  try {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!unsyncable.includes(systemCode(error) ?? '')) throw error
  }
}

/**
 * Makes a folder and those above it for the owner alone, durably; with `root`, those above `root` get the rights that are usual
 * here. False if it was there.
 */
export async function makeFolder(path: string, root?: string): Promise<boolean> {
  const above = root === undefined ? undefined : await makePath(dirname(resolve(root)))
  const ours = await makePath(path, privateFolder)
  const first = above ?? ours
  if (first === undefined) return false
  const highest = dirname(resolve(first))
  for (let folder = resolve(path); folder !== highest; folder = dirname(folder)) await syncFolder(dirname(folder))
  return true
}

/** Makes a folder in one that is there, durably, and none above it: what was removed meanwhile must not come back. It may be there. */
export async function makeFolderIn(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: privateFolder })
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return
    throw error
  }
  await syncFolder(dirname(path))
}

/** Keeps what is in a folder of ours out of commits: it may hold records. */
export async function hideFromGit(folder: string): Promise<void> {
  await writeFile(`${folder}/.gitignore`, '*\n', { mode: privateFile })
}

/** Writes a file that was not there, durably but for its name. */
export async function createFile(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', privateFile)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Puts a new file in an old one's place: whoever reads sees the one or the other as a whole. `aside` is a folder beside ours, on the same disk. */
export async function replaceFile(path: string, text: string, aside: string): Promise<void> {
  await makeFolder(aside, dirname(aside))
  const fresh = `${aside}/${randomUUID()}`
  try {
    await createFile(fresh, text)
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/**
 * Puts a folder with files where none is, in one that is there: exactly one of several processes succeeds, and whoever sees the folder sees all
 * its files. A folder that holds something cannot be renamed over (`man 2 rename`, ENOTEMPTY); a file could be linked
 * exclusively instead, but not on every file system.
 *
 * @returns false if there is one already
 */
export async function placeFolder(
  path: string,
  files: Readonly<Record<string, string>>,
  aside: string,
): Promise<boolean> {
  const fresh = `${aside}/${randomUUID()}`
  await makeFolder(fresh, dirname(aside))
  try {
    for (const [name, text] of Object.entries(files)) await createFile(`${fresh}/${name}`, text)
    await syncFolder(fresh)
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    const code = systemCode(error) ?? ''
    if (['ENOTEMPTY', 'EEXIST'].includes(code)) return false
    if (['EPERM', 'EACCES'].includes(code) && (await isThere(path))) return false // so says Windows
    throw error
  }
  await syncFolder(dirname(path))
  return true
}

/** Takes a folder away as a whole: whoever reads sees all of it, or none. It is no error if another process was quicker. */
export async function removeFolder(path: string, aside: string): Promise<void> {
  const gone = `${aside}/${randomUUID()}`
  await makeFolder(aside, dirname(aside))
  try {
    await rename(path, gone)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw error
  }
  await rm(gone, { recursive: true, force: true })
}

/** A file's text; null if there is no such file. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

/** The names in a folder; none if there is no such folder. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

/** Whether there is such a folder. */
export async function isThere(folder: string): Promise<boolean> {
  try {
    await readdir(folder)
    return true
  } catch {
    return false // what led here says why
  }
}
