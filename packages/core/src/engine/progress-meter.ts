import type { Progress } from '../contracts/events.js'
import type { Counts } from '../contracts/position.js'
import type { Count } from '../contracts/source.js'
import type { Throttle } from '../throttle/throttle.js'

const windowMs = 10_000

/** What the run is held back by, as far as it says how long the rest takes. */
export interface Pace {
  /** Records per second that it does not exceed. */
  readonly ceiling: number
  /** When it stops by itself, whatever is left, in milliseconds from now. */
  readonly stopsInMs: number
  readonly throttle: Pick<Throttle, 'isClosed' | 'durationOf' | 'now'>
}

/** Rate and time left, from the last ten seconds: the average since the start hides that a run has slowed down. */
export class ProgressMeter {
  readonly #begun = performance.now()
  readonly #samples: { readonly at: number; readonly read: number }[] = []
  #total: Count | undefined
  /** What it was when the last window closed. */
  #openRate = 0
  #wasClosed = false

  constructor(
    private readonly name: string,
    private readonly run: string,
    private readonly pace: Pace,
  ) {
    this.#samples.push({ at: this.#begun, read: 0 })
  }

  /** What the whole run has to read, from its beginning. */
  set total(total: Count | undefined) {
    this.#total = total
  }

  get total(): Count | undefined {
    return this.#total
  }

  /** `read` by this attempt: what an earlier one read, an exact sink may tell only after the start. */
  measure(counts: Counts, read: number): Progress {
    const now = performance.now()
    const { isClosed, now: throttle } = this.pace.throttle
    // Nothing moves while no window is open; how fast it goes then, is known from before.
    if (this.#wasClosed) this.#samples.splice(0)
    this.#wasClosed = isClosed
    this.#samples.push({ at: now, read })
    while (this.#samples.length > 2 && now - (this.#samples[1] as { at: number }).at >= windowMs) this.#samples.shift()
    const oldest = this.#samples[0] as { at: number; read: number }
    const seconds = (now - oldest.at) / 1000
    const recordsPerSecond = seconds > 0 ? (read - oldest.read) / seconds : 0
    const total = this.#total
    if (!isClosed && recordsPerSecond > 0) this.#openRate = recordsPerSecond
    const left = total === undefined ? undefined : Math.max(0, total.value - counts.read)
    const etaMs = left === undefined ? undefined : this.#etaMs(left, isClosed ? this.#openRate : recordsPerSecond)
    const stopsInMs = this.pace.stopsInMs
    return {
      name: this.name,
      run: this.run,
      counts,
      estimated: total !== undefined && !total.exact,
      ...(total === undefined ? {} : { total: total.value }),
      recordsPerSecond,
      ...(etaMs === undefined ? {} : { etaMs }),
      ...(etaMs === undefined || etaMs <= stopsInMs ? {} : { stopsInMs }),
      ...(throttle === undefined ? {} : { throttle }),
      elapsedMs: now - this.#begun,
    }
  }

  #etaMs(left: number, observed: number): number | undefined {
    // A ceiling that was lowered a moment ago has not slowed down the last seconds.
    const perSecond = Math.min(observed, this.pace.ceiling)
    if (perSecond <= 0) return undefined
    const etaMs = this.pace.throttle.durationOf((left / perSecond) * 1000)
    return Number.isFinite(etaMs) ? etaMs : undefined
  }
}
