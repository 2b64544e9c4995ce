import { DroverError, type LiveRun, type RunEvents } from '@drover/core'
import type { Voice } from './voice.js'

/** What a run tells that is told on: not each batch, of which there are many. */
const told = [
  'run:started',
  'run:progress',
  'batch:retried',
  'record:rejected',
  'run:stalled',
  'run:throttled',
  'run:paused',
  'run:resumed',
  'run:warning',
  'run:finished',
] as const satisfies readonly (keyof RunEvents)[]

/** Tells the events of a run as lines of JSON, each with its `event` and when that was. */
export function tellEvents({ events }: LiveRun, voice: Voice): void {
  if (!voice.isJson) return
  for (const event of told) events.on(event, (what: object) => voice.tellJson({ event, at: new Date(), ...what }))
  events.on('run:failed', ({ name, error }) => {
    const { code, message, isRetryable } = DroverError.from(error, `${name} failed`)
    voice.tellJson({ event: 'run:failed', at: new Date(), name, code, message, isRetryable })
  })
}
