import { DroverError, type StateStore } from '@drover/core'
import { loadPackage } from './load-package.js'
import { storeTypes } from './registry.js'

/**
 * The state store that `--state` names: `sqlite:app.db` and `sqlite:///app.db`, `postgres://…`, `memory:`, or a folder.
 *
 * @throws `PACKAGE_MISSING`, `OPTION_INVALID`
 */
export async function stateByText(text: string, folder: string): Promise<StateStore> {
  const scheme = /^([a-z+0-9]{2,}):/i.exec(text)?.[1]?.toLowerCase()
  switch (scheme) {
    case undefined:
      return makeState('directory', { directory: text }, folder)
    case 'sqlite':
    case 'file': {
      const isPath = scheme === 'sqlite' && !text.startsWith('sqlite://')
      return makeState('sqlite', { filename: isPath ? text.slice('sqlite:'.length) : text }, folder)
    }
    case 'postgres':
    case 'postgresql':
      return makeState('postgres', { connection: text }, folder)
    case 'memory':
      return makeState('memory', {}, folder)
    default:
      throw new DroverError(
        'OPTION_INVALID',
        `--state: there is no state store "${scheme}:"; it is a folder, sqlite:app.db, postgres://… or memory:.`,
      )
  }
}

async function makeState(type: string, options: object, folder: string): Promise<StateStore> {
  const store = storeTypes[type]
  const entry = store?.roles.state
  if (store === undefined || entry === undefined)
    throw new DroverError('OPTION_INVALID', `There is no state store "${type}".`)
  const factory = (await loadPackage(type, store, folder))[entry.factory]
  return (factory as (options: object) => StateStore)(options)
}
