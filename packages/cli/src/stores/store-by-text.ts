import { DroverError, type StateStore } from '@drover/core'
import { beneath } from './beneath.js'
import { loadPackage } from './load-package.js'
import { storeTypes } from './registry.js'
import type { Making, Role } from './store-type.js'

/** A store as a command line names it. */
export interface NamedStore {
  readonly type: string
  readonly options: Readonly<Record<string, unknown>>
}

/**
 * Reads `sqlite:app.db` and `sqlite:///app.db`, `postgres://…`, `redis://…`, `memory:`, or a folder.
 *
 * @throws `OPTION_INVALID`
 */
export function storeByText(text: string): NamedStore {
  const scheme = /^([a-z+0-9]{2,}):/i.exec(text)?.[1]?.toLowerCase()
  switch (scheme) {
    case undefined:
      return { type: 'directory', options: { directory: text } }
    case 'sqlite':
    case 'file': {
      const isPath = scheme === 'sqlite' && !text.startsWith('sqlite://')
      return { type: 'sqlite', options: { filename: isPath ? text.slice('sqlite:'.length) : text } }
    }
    case 'postgres':
    case 'postgresql':
      return { type: 'postgres', options: { connection: text } }
    case 'redis':
    case 'rediss':
      return { type: 'redis', options: { connection: text } }
    case 'memory':
      return { type: 'memory', options: {} }
    default:
      throw new DroverError(
        'OPTION_INVALID',
        `--state: there is no state store "${scheme}:"; it is a folder, sqlite:app.db, postgres://…, redis://… or memory:.`,
      )
  }
}

/** The state store that `--state` names. @throws `PACKAGE_MISSING`, `OPTION_INVALID` */
export async function stateByText(text: string, folder: string): Promise<StateStore> {
  const { type, options } = storeByText(text)
  return (await makeByType(type, 'state', options, { folder, env: process.env, isDryRun: false })) as StateStore
}

/**
 * What a package's factory makes of options.
 *
 * @throws `PACKAGE_MISSING`, `OPTION_INVALID`
 */
export async function makeByType(type: string, role: Role, options: object, making: Making): Promise<unknown> {
  const store = storeTypes[type]
  const entry = store?.roles[role]
  if (store === undefined || entry === undefined)
    throw new DroverError('OPTION_INVALID', `There is no ${role} of type "${type}".`)
  const lower = beneath(type, options)
  const factory = (await loadPackage(type, store, making.folder, lower))[entry.factory]
  // It would be found to be missing by a run that has begun.
  if (lower !== undefined) await loadPackage(type, lower, making.folder)
  const prepared = entry.prepare === undefined ? options : await entry.prepare({ ...options }, making)
  if (typeof factory === 'function') return factory(prepared)
  const old = `${store.package} has no ${entry.factory}; it is of another version than @drover/cli: update it`
  throw new DroverError('PACKAGE_MISSING', old)
}
