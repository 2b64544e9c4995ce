import { DroverError } from '@drover/core'

/**
 * A server that restarts may have forgotten what it confirmed. The note of the last batch lies where the messages do: where it is gone, so
 * are they.
 */
export function lostBatches(where: string, store: string): DroverError {
  return new DroverError(
    'STATE_INVALID',
    `${where}: ${store} has lost what it had confirmed, as a server without append-only file does when it restarts: messages of earlier batches are missing there. Remove what this run has written, and begin it anew, under another name.`,
  )
}
