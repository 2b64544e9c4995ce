import { stat } from 'node:fs/promises'
import { type OpenNative, openNative } from './open-native.js'
import type { BetterDatabase, NpmDatabase, SqliteDriver } from './sqlite-connection.js'

/**
 * Opens a database to be read. One in WAL mode that nobody has open gets a log and its index for that, and who may only read cannot
 * take them away again: so that reading leaves nothing, somebody who may write, and does not, closes it after us.
 */
export async function openReadonly(driver: SqliteDriver, filename: string): Promise<OpenNative> {
  const hadLog = (await logSize(filename)) !== null
  const { native, close } = await openNative(driver, filename, true)
  return {
    native,
    close: async () => {
      await close()
      if (!hadLog && (await logSize(filename)) === 0) await openAndClose(driver, filename)
    },
  }
}

async function openAndClose(driver: SqliteDriver, filename: string): Promise<void> {
  try {
    const { native, close } = await openNative(driver, filename, false)
    await new Promise<void>((resolve) => {
      const look = 'SELECT 1 FROM sqlite_master'
      if (driver === 'sqlite3') (native as NpmDatabase).exec(look, () => resolve())
      else resolve((native as BetterDatabase).exec(look) as undefined)
    })
    await close()
  } catch {
    // Who may not write leaves an empty log behind; it says nothing.
  }
}

/** Null if there is none. */
async function logSize(filename: string): Promise<number | null> {
  return (await stat(`${filename}-wal`).catch(() => null))?.size ?? null
}
