import type { Progress } from '../contracts/events.js'
import type { Control } from '../contracts/state-store.js'
import type { JsonValue } from '../contracts/values.js'

/** What a run tells of itself with each heartbeat, for who looks at it from another process. */
export interface Telling {
  readonly progress: Progress
  /** What of an operator's wish it has heard. */
  readonly heard: Control['state']
  /** Its own process paused it; nobody else can resume it. */
  readonly pausedHere: boolean
  /** It is paused, and has ended the batches that it had in hand: nothing is written. */
  readonly isResting: boolean
  /** Partitions worked on side by side. */
  readonly concurrency: number
  /** Records that become durable together, where it was told. */
  readonly batchSize?: number
  /** Ceiling, where there is one. */
  readonly recordsPerSecond?: number
  /** How long a heartbeat renews its lease. */
  readonly leaseMs: number
}

/** As JSON; what it cannot hold, such as an endless time left, is left out. */
export function telling(what: Telling): JsonValue {
  return JSON.parse(
    JSON.stringify(what, (_, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? undefined : value,
    ),
  ) as JsonValue
}

/** What a heartbeat told; undefined if it is of another kind, such as that of another release. */
export function toldBy(value: JsonValue | undefined): Telling | undefined {
  const { progress, heard, pausedHere, isResting, concurrency, leaseMs } = Object(value) as Partial<Telling>
  const { name, counts, recordsPerSecond, elapsedMs, estimated } = Object(progress) as Partial<Progress>
  const isWhole =
    typeof name === 'string' &&
    Object.values(Object(counts) as object).filter((count) => typeof count === 'number').length >= countsTold &&
    [recordsPerSecond, elapsedMs, concurrency, leaseMs].every((number) => typeof number === 'number') &&
    [estimated, pausedHere, isResting].every((flag) => typeof flag === 'boolean') &&
    ['run', 'pause', 'stop'].includes(heard as string)
  return isWhole ? (value as unknown as Telling) : undefined
}

/** All that there are in `Counts`. */
const countsTold = 8
