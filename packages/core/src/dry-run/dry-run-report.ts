import type { RejectedRecord } from '../contracts/report.js'
import type { FidelityIssue } from '../contracts/schema.js'
import type { Guarantee } from '../contracts/sink.js'
import type { Count } from '../contracts/source.js'
import type { JsonValue, Row } from '../contracts/values.js'

/** What a run would do, as far as it can be known without doing it. */
export interface DryRunReport {
  readonly name: string
  readonly source: string
  readonly sink: string
  readonly guarantee: Guarantee
  /** Which of the two ends could be connected to. */
  readonly reached: { readonly source: boolean; readonly sink: boolean }
  /** Records that the source would give, under the filters it applies itself; null if it cannot tell. */
  readonly count: Count | null
  /** Records from all over the source, and what the steps make of them. */
  readonly sample: readonly SampledRecord[]
  /** Of the records that were looked at. */
  readonly looked: { readonly records: number; readonly filtered: number; readonly rejected: number }
  /** The first that could not be read, or that a step rejected, ten at the most. */
  readonly rejected: readonly Omit<RejectedRecord, 'partition'>[]
  /** What would be lost. The run is refused for one of them. */
  readonly fidelity: readonly FidelityIssue[]
  /** What the run would create. */
  readonly creates: readonly string[]
  /** What the run would fail with, or what could not be found out: its code and its message. */
  readonly problems: readonly Problem[]
  /** Why writing was not tried, as half a sentence; null if it was. */
  readonly notWritten: string | null
  /** Null if nothing can be said: without a count, or where nothing could be read. */
  readonly forecast: Forecast | null
}

export interface SampledRecord {
  readonly key: readonly JsonValue[]
  readonly before: Row
  /** None if it is filtered, or rejected; several if it fans out. */
  readonly after: readonly Row[]
}

export interface Problem {
  readonly code: string
  readonly message: string
}

/** From how long it took to read, transform and write some records just now. */
export interface Forecast {
  /** Of one call from start to end, on a machine and on stores as busy as they are now. */
  readonly durationMs: Interval
  /** Of records as the source gives them. */
  readonly bytes: Interval
  /** Whether writing was tried. Without that the interval is wide: how long the sink takes is a guess. */
  readonly includesWriting: boolean
}

export interface Interval {
  readonly low: number
  readonly high: number
}
