import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '@drover/core'

/** A backup may hold anybody's data. */
export const privateFile = 0o600

/** Puts a text where it is seen as a whole, or not at all. */
export async function placeText(path: string, text: string): Promise<void> {
  const fresh = `${path}.${randomUUID()}.tmp`
  try {
    const handle = await open(fresh, 'wx', privateFile)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await placeFile(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}

/** Gives a file that is durable already its name, durably. */
export async function placeFile(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(dirname(to))
}

/** Only of files that nobody has open as a database: closing a file gives all locks back that the process has on it. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export async function sha256OfFile(path: string): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const sum = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    sum.update(chunk as Buffer)
    bytes += (chunk as Buffer).length
  }
  return { sha256: sum.digest('hex'), bytes }
}
