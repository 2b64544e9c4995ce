import { access, constants, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DroverError } from '@drover/core'

/** Where a database is, by a path or URL. */
export interface DatabaseLocation {
  /** As the user gave it, for messages. */
  readonly name: string
  /** Null for a database in memory. */
  readonly path: string | null
  /** `?mode=ro` was given. */
  readonly isReadonly: boolean
  /** False if `?mode=rw` says that it must be there. */
  readonly mayCreate: boolean
}

/**
 * Reads `chat.db`, `/data/chat.db`, `:memory:`, `sqlite:///relative.db` (three slashes), `sqlite:////absolute.db` (four)
 * and `file:` URIs.
 *
 * @throws `OPTION_INVALID`
 */
export function databaseLocation(name: string, where: string): DatabaseLocation {
  const scheme = /^(sqlite3?|file):/i.exec(name)?.[1]?.toLowerCase()
  if (scheme === undefined) return { name, path: pathOrMemory(name), isReadonly: false, mayCreate: true }
  const [address = '', ...rest] =
    name
      .slice(scheme.length + 1)
      .split('#')[0]
      ?.split('?') ?? []
  const parameters = new URLSearchParams(rest.join('?'))
  for (const parameter of parameters.keys()) {
    if (parameter !== 'mode') {
      throw invalid(
        where,
        `"${name}" has the parameter "${parameter}"; only mode=ro, mode=rw, mode=rwc and mode=memory are known`,
      )
    }
  }
  const mode = parameters.get('mode') ?? 'rwc'
  if (!['ro', 'rw', 'rwc', 'memory'].includes(mode))
    throw invalid(where, `"${name}" has mode=${mode}; known are ro, rw, rwc and memory`)
  const path =
    mode === 'memory' ? null : scheme === 'file' ? filePath(address, name, where) : urlPath(address, name, where)
  return { name, path, isReadonly: mode === 'ro', mayCreate: mode === 'rwc' || mode === 'memory' }
}

/**
 * Says before the driver does what is wrong with a path: it would only know that it is "unable to open database file",
 * and would create a file that is to be read.
 *
 * @throws `SOURCE_NOT_FOUND`, `STORE_DENIED`
 */
export async function checkFile(location: DatabaseLocation, mayCreate: boolean): Promise<void> {
  if (location.path === null) return
  const found = await stat(location.path).catch((error: NodeJS.ErrnoException) => error)
  if (!(found instanceof Error)) {
    if (found.isDirectory())
      throw new DroverError('SOURCE_NOT_FOUND', `"${location.name}" is a directory, not an SQLite database.`)
    // Not by opening it: whoever closes a file lets go of all locks that this process has on it.
    await access(location.path, constants.R_OK).catch((error: unknown) => {
      throw denied(location, error)
    })
    return
  }
  if (found.code === 'EACCES' || found.code === 'EPERM') throw denied(location, found)
  if (!mayCreate) {
    throw new DroverError('SOURCE_NOT_FOUND', `There is no file "${location.name}" (${location.path}).`, {
      cause: found,
    })
  }
  const folder = dirname(location.path)
  const above = await stat(folder).catch(() => null)
  if (!above?.isDirectory()) {
    throw new DroverError('SOURCE_NOT_FOUND', `"${location.name}" cannot be created: there is no folder "${folder}".`)
  }
}

function denied(location: DatabaseLocation, cause: unknown): DroverError {
  return new DroverError('STORE_DENIED', `"${location.name}" may not be opened by this user: check its rights.`, {
    cause,
  })
}

function pathOrMemory(path: string): string | null {
  return path === ':memory:' ? null : resolve(path)
}

function urlPath(address: string, name: string, where: string): string | null {
  const remedy =
    'three slashes before a relative path, four before an absolute one: sqlite:///chat.db, sqlite:////data/chat.db'
  if (!address.startsWith('///')) throw invalid(where, `"${name}" is no URL of an SQLite database: ${remedy}`)
  const path = decoded(address.slice(3), name, where)
  if (path === '' || path === '/')
    throw invalid(where, `"${name}" names no file (":memory:" is the one in memory): ${remedy}`)
  return pathOrMemory(path)
}

function filePath(address: string, name: string, where: string): string | null {
  if (!address.startsWith('//')) {
    const path = decoded(address, name, where)
    if (path === '') throw invalid(where, `"${name}" names no file`)
    return pathOrMemory(path)
  }
  try {
    return fileURLToPath(`file:${address}`)
  } catch (cause) {
    throw invalid(where, `"${name}" is no URL of a file on this machine`, cause)
  }
}

function decoded(text: string, name: string, where: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw invalid(where, `"${name}" has a % that begins no code: write %25 for the sign itself`, cause)
  }
}

function invalid(where: string, what: string, cause?: unknown): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${what}.`, cause === undefined ? {} : { cause })
}
