import type { StateStore } from '../contracts/state-store.js'
import { memoryStateStore } from './memory-state-store.js'

/** Stand-in until the real one is written here. */
export function directoryStateStore(_options: { readonly directory: string }): StateStore {
  return memoryStateStore()
}
