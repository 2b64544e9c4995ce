import type { LiveRun } from '@drover/core'
import { exitCodes } from '../exit-codes.js'
import type { Surroundings } from './surroundings.js'
import type { Voice } from './voice.js'

/** Those that ask a process to end. */
export const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Ends a run by the signals of the process: the first one ends the batch in hand and stops; the second one ends the process at once, which
 * leaves nothing half written either. Gives a function that takes the handlers off.
 *
 * @param again The command that goes on.
 */
export function stopOnSignals(run: LiveRun, voice: Voice, surroundings: Surroundings, again: string): () => void {
  let isStopping = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      voice.note(`Stopped at once by a second ${signal}; the batch in hand was not committed. Go on with: ${again}`)
      surroundings.exit(exitCodes.interrupted)
      return
    }
    isStopping = true
    voice.note(`${signal}: ending the batch in hand. Once more stops at once.`)
    run.stop(`the process got ${signal}`).catch(() => {}) // its result is awaited elsewhere
  }
  for (const signal of signals) surroundings.signals.on(signal, onSignal)
  return () => {
    for (const signal of signals) surroundings.signals.off(signal, onSignal)
  }
}
