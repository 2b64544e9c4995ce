import type { MaybePromise, Operation } from './values.js'

/** How a store, or the process, is doing. */
export interface HealthReading {
  /** 1 is the limit: below it all is well, above it the run slows down, from 2 on it rests until it is below 2 again. */
  readonly load: number
  /** What was measured and what is borne, for the person on call, without secrets: `replica lag 2.1 s of 1.0 s`. */
  readonly reason: string
}

/** Something that says how a store, or the process, is doing while a run works. */
export interface HealthSignal {
  /** What it measures: `replica lag`. */
  readonly name: string
  /** How often it is asked, in milliseconds. @default 1000 */
  readonly everyMs?: number
  /** How long it may take to answer, in milliseconds. @default 5000 */
  readonly timeoutMs?: number
  /** One that throws, hangs or gives nonsense counts as load 1: the run gets neither faster nor slower by it. */
  check(operation: Operation): MaybePromise<HealthReading>
  /** Called when the last run that asks it has ended: give back what `check` opened. It may be asked again later. */
  close?(): MaybePromise<void>
}

/** A plain function will do as a signal. */
export type HealthCheck = (operation: Operation) => MaybePromise<HealthReading>
