import type { Progress } from '../contracts/events.js'
import type { Counts, Position } from '../contracts/position.js'
import type { Control, RunLease, RunState, Settlement } from '../contracts/state-store.js'
import { isDeletes } from '../deletes/deletes-partition.js'
import { sumCounts } from '../engine/counts.js'
import { type Telling, toldBy } from '../engine/telling.js'
import { isHolderGone } from '../state/holder.js'
import { describeActivity } from './describe-activity.js'

/**
 * What goes on with a run. `running`, `pausing` and `stopping`: somebody works on it, and `paused`: rests. `stale`: somebody did, and was
 * not heard of for as long as a lease lasts, or is known to be gone. `stopped`, `failed`: nobody does since then. `idle`: nobody does,
 * and how the last attempt ended nobody said. `completed`: it is done.
 */
export type Activity =
  | 'running'
  | 'pausing'
  | 'paused'
  | 'stopping'
  | 'stale'
  | 'stopped'
  | 'failed'
  | 'idle'
  | 'completed'

/** A process that works on a run, or did and did not give its leases back. */
export interface RunHolder {
  /** Its host, process and attempt, `host:pid:id`. */
  readonly holder: string
  /** Ids of the partitions that it has. */
  readonly partitions: readonly string[]
  /** When the first of its leases ends, by the store's clock, unless a heartbeat comes before. */
  readonly expiresAt: Date
  /** Its leases are over: it is gone, sleeps, or does not reach the state store. Whoever starts the run now takes it over. */
  readonly isStale: boolean
  /** Since when it was not heard of, in milliseconds, where it says how often it is to be. */
  readonly silentMs?: number
  /** What it told last: a settings in force, and whether it rests. */
  readonly telling?: Telling
}

/** A run as an operator sees it, from any process. */
export interface RunOverview {
  readonly name: string
  /** The run's id. */
  readonly run: string
  readonly activity: Activity
  /** What goes on, and what can be done, in a sentence or two without secrets. */
  readonly message: string
  readonly startedAt: Date
  readonly completedAt?: Date
  /** Of the run, from its first attempt on, as far as it is known here. */
  readonly counts: Counts
  readonly partitions: { readonly total: number; readonly done: number }
  /** What who works on it told last, two seconds ago at the most: rate, time left, what holds it back. Missing while nobody does. */
  readonly progress?: Progress
  /** What is asked of it. */
  readonly control: Control
  readonly holders: readonly RunHolder[]
  /** How the last attempt ended that said so. */
  readonly lastOutcome?: Settlement
}

export function overviewOf(state: RunState): RunOverview {
  const { name, run, startedAt, completedAt, control = { state: 'run' }, lastOutcome } = state
  const holders = holdersOf(state.leases ?? [])
  const positions = positionsOf(state)
  const known = sumCounts(positions.filter(({ partition }) => !isDeletes(partition)).map(({ counts }) => counts))
  const progress = holders.find((holder) => !holder.isStale && holder.telling !== undefined)?.telling?.progress
  const told = holders.flatMap(({ telling }) => telling?.progress.counts ?? [])
  const activity = activityOf(state, control, holders)
  const facts = {
    name,
    run,
    activity,
    startedAt,
    ...(completedAt === undefined ? {} : { completedAt }),
    // A sink that keeps its positions itself has told the state store nothing of them since the last attempt.
    counts: [known, ...told].reduce((most, counts) => (counts.read > most.read ? counts : most)),
    partitions: { total: state.partitions.length, done: positions.filter(({ done }) => done).length },
    ...(progress === undefined ? {} : { progress }),
    control,
    holders,
    ...(lastOutcome === undefined ? {} : { lastOutcome }),
  }
  return { ...facts, message: describeActivity(facts) }
}

function activityOf(state: RunState, control: Control, holders: readonly RunHolder[]): Activity {
  if (state.status === 'completed') return 'completed'
  const alive = holders.filter(({ isStale }) => !isStale)
  const told = alive.flatMap(({ telling }) => telling ?? [])
  if (alive.length === 0) return holders.length > 0 ? 'stale' : (endOf(state.lastOutcome) ?? 'idle')
  if (control.state === 'stop' || told.some(({ heard }) => heard === 'stop')) return 'stopping'
  const isPaused = ({ heard, pausedHere }: Telling) => pausedHere || (control.state === 'pause' && heard === 'pause')
  if (told.length > 0 && told.every((one) => isPaused(one) && one.isResting)) return 'paused'
  return control.state === 'pause' || (told.length > 0 && told.every(({ pausedHere }) => pausedHere))
    ? 'pausing'
    : 'running'
}

function endOf(last: Settlement | undefined): 'stopped' | 'failed' | undefined {
  return last === undefined || last.outcome === 'completed' ? undefined : last.outcome
}

/** The leases by who has them. */
function holdersOf(leases: readonly RunLease[]): RunHolder[] {
  const byHolder = new Map<string, RunLease[]>()
  for (const lease of leases) byHolder.set(lease.holder, [...(byHolder.get(lease.holder) ?? []), lease])
  return [...byHolder].map(([holder, own]) => {
    const speaker = own.find((lease) => toldBy(lease.telling) !== undefined)
    const telling = toldBy(speaker?.telling)
    const isStale = own.every(({ leftMs }) => leftMs <= 0)
    return {
      holder,
      partitions: own.map(({ partition }) => partition),
      expiresAt: new Date(Math.min(...own.map(({ expiresAt }) => expiresAt.getTime()))),
      isStale,
      ...(speaker === undefined || telling === undefined || isHolderGone(holder)
        ? {}
        : { silentMs: Math.max(0, telling.leaseMs - speaker.leftMs) }),
      ...(telling === undefined ? {} : { telling }),
    }
  })
}

/** Where the partitions stand, as far as the store knows: an exact sink that keeps them elsewhere tells it at the end of an attempt. */
function positionsOf({ positions, lastOutcome }: RunState): Position[] {
  const newest = new Map<string, Position>()
  for (const position of [...(lastOutcome?.positions ?? []), ...positions]) {
    const known = newest.get(position.partition.id)
    if (known === undefined || known.sequence < position.sequence) newest.set(position.partition.id, position)
  }
  return [...newest.values()]
}
