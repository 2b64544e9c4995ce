import { chmod, link, rename } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { namesIn, safeName, syncFolder, systemCode } from '@drover/core'
import { privateFile } from './durable-file.js'

/** `agent_database_20250106_140000`: names are as plain as every file system takes them. */
export function fileBase(name: string, timestamp: string): string {
  return `${/^[\w.-]+$/.test(name) ? name : safeName(name)}_${timestamp}`
}

/** The manifest of a backup's file. */
export function manifestPath(path: string): string {
  return `${path.replace(/\.(?:db|sql)$/, '')}.json`
}

/** The moment in UTC, which no file of that name in the folder has yet. */
export async function timestampOf(folder: string, name: string, at: Date): Promise<string> {
  const second = at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_')
  const taken = new Set((await namesIn(folder)).map((file) => file.replace(/\.\w+$/, '')))
  for (let n = 1; ; n++) {
    const timestamp = n === 1 ? second : `${second}_${n}`
    if (!taken.has(fileBase(name, timestamp))) return timestamp
  }
}

/** Gives a file that is durable already its name, for its owner alone. What somebody else has put there in the meantime stays. */
export async function place(from: string, to: string): Promise<void> {
  await chmod(from, privateFile)
  try {
    await link(from, to)
  } catch (error) {
    // Not every file system has links.
    if (systemCode(error) === 'EEXIST') throw error
    await rename(from, to)
  }
  await syncFolder(dirname(to))
}

export function baseOf(path: string): string {
  return basename(path).replace(/\.(?:db|sql|json)$/, '')
}
