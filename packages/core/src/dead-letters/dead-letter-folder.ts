import type { DeadLetterStore } from './dead-letter.js'

/** Stand-in until the real one is written here. */
export function deadLetterFolder(directory: string): DeadLetterStore {
  return { place: directory, open: () => Promise.reject(new Error('not written yet')) }
}
