import { DroverError } from '@drover/core'
import type { SqliteDriver } from './sqlite-connection.js'

/** The driver that was asked for; else better-sqlite3 where it works, because it is faster; else sqlite3. */
export async function chooseDriver(wanted: SqliteDriver | undefined, where: string): Promise<SqliteDriver> {
  const tried: unknown[] = []
  for (const driver of wanted ? [wanted] : (['better-sqlite3', 'sqlite3'] as const)) {
    const failure = await attempt(driver)
    if (failure === null) return driver
    tried.push(failure)
  }
  const cause = tried.find((failure) => !isMissing(failure)) ?? tried[0]
  const said = isMissing(cause) ? '' : ` (${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)})`
  throw wanted
    ? new DroverError(
        'OPTION_INVALID',
        `${where}: the driver "${wanted}" ${isMissing(cause) ? 'is not installed' : 'cannot be loaded'}${said}; run: npm install ${wanted}`,
        { cause },
      )
    : new DroverError(
        'STORE_UNAVAILABLE',
        `${where}: no driver for SQLite is installed${said}; run: npm install better-sqlite3 (or sqlite3)`,
        { cause },
      )
}

const attempts = new Map<SqliteDriver, Promise<unknown>>()

/** Null if the driver works. Loading says little: better-sqlite3 loads its binary, which may be of another Node, when a database is opened. */
function attempt(driver: SqliteDriver): Promise<unknown> {
  const known = attempts.get(driver)
  if (known !== undefined) return known
  const attempted = (driver === 'sqlite3' ? import('sqlite3') : openBetter()).then(
    () => null,
    (error: unknown) => error,
  )
  attempts.set(driver, attempted)
  return attempted
}

async function openBetter(): Promise<void> {
  const { default: Database } = await import('better-sqlite3')
  new Database(':memory:').close()
}

function isMissing(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
}
