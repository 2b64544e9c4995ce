import type { Progress } from '../contracts/events.js'
import type { Report } from '../contracts/report.js'
import type { RunSettings } from './run-control.js'
import type { RunEventSource } from './run-emitter.js'

/** A run while it runs. */
export interface LiveRun extends AsyncDisposable {
  readonly events: RunEventSource
  /** The report; it rejects with a `DroverError` if the run fails. */
  readonly result: Promise<Report>
  /** Commits the batch in hand and waits. */
  pause(): void
  resume(): void
  /** Commits the batch in hand, gives the lease back and ends; the same call goes on from there. */
  stop(reason?: string): Promise<Report>
  /** Changes what can be changed while it runs, from the next batch on. @throws `OPTION_INVALID` */
  update(settings: RunSettings): void
  /** How far it has come; undefined before it has started. */
  status(): Progress | undefined
}
