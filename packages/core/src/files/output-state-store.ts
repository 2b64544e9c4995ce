import { resolve, sep } from 'node:path'
import type { StateStore } from '../contracts/state-store.js'
import type { Operation } from '../contracts/values.js'
import { directoryStateStore } from '../state/directory-state-store.js'
import { outputError } from './output-error.js'

/**
 * The state store of a sink of files, in the folder `.drover` beside its output. It is opened before the first file is: where its folder cannot be
 * made, it is the output that is said to have no place.
 *
 * @param output As the user named it.
 * @param folder In which the output lies.
 */
export function outputStateStore(output: string, folder: string): StateStore {
  const directory = `${folder}/.drover`
  const store = directoryStateStore({ directory })
  const setup = store.setup?.bind(store)
  return Object.assign(store, {
    setup: async (operation: Operation) => {
      try {
        await setup?.(operation)
      } catch (error) {
        const { cause } = error as { readonly cause?: unknown }
        throw isAbove(cause, directory) ? outputError(cause, output) : error
      }
    },
  })
}

/** Whether it is the folder of the output, or one above it, that could not be made. */
function isAbove(error: unknown, directory: string): boolean {
  const { syscall, path } = Object(error) as { readonly syscall?: unknown; readonly path?: unknown }
  return syscall === 'mkdir' && typeof path === 'string' && resolve(directory).startsWith(`${resolve(path)}${sep}`)
}
