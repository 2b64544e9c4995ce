import { realpathSync } from 'node:fs'
import { DroverError } from '@drover/core'
import type { SqliteDriver } from './sqlite-connection.js'

interface Use {
  readonly driver: SqliteDriver
  connections: number
}

const uses = new Map<string, Use>()

/**
 * Each driver brings its own SQLite, and two of them in one process do not see each other's locks on a file: when one closes
 * it, the locks of both are gone, and the file can be damaged (https://www.sqlite.org/howtocorrupt.html, section 2.2.1).
 * So this is asked before the file is opened.
 *
 * @throws `OPTION_INVALID` if the other driver has the file open.
 */
export function refuseOtherDriver(path: string | null, driver: SqliteDriver, name: string): void {
  const used = driverInUse(path)
  if (used === undefined || used === driver) return
  throw new DroverError(
    'OPTION_INVALID',
    `"${name}" is open with the driver ${used} in this process; a second copy of SQLite does not see its locks ` +
      `and could damage the file. Use one driver for it: leave the option driver out, or give ${used} everywhere.`,
  )
}

/** Notes that a driver has the file open; gives what to call when it is closed. */
export function rememberDriver(path: string, driver: SqliteDriver): () => void {
  const file = realPath(path)
  const use = uses.get(file) ?? { driver, connections: 0 }
  use.connections++
  uses.set(file, use)
  return () => {
    if (--use.connections === 0) uses.delete(file)
  }
}

/** The driver that has the file open already. */
export function driverInUse(path: string | null): SqliteDriver | undefined {
  return path === null ? undefined : uses.get(realPath(path))?.driver
}

/** A file that is yet to be created has no other name. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
