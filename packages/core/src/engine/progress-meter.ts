import type { Progress } from '../contracts/events.js'
import type { Counts } from '../contracts/position.js'
import type { Count } from '../contracts/source.js'

const windowMs = 10_000

/** Rate and time left, from the last ten seconds: the average since the start hides that a run has slowed down. */
export class ProgressMeter {
  readonly #begun = performance.now()
  readonly #samples: { readonly at: number; readonly read: number }[] = []
  #total: Count | undefined

  constructor(
    private readonly name: string,
    private readonly run: string,
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
    this.#samples.push({ at: now, read })
    while (this.#samples.length > 2 && now - (this.#samples[1] as { at: number }).at >= windowMs) this.#samples.shift()
    const oldest = this.#samples[0] as { at: number; read: number }
    const seconds = (now - oldest.at) / 1000
    const recordsPerSecond = seconds > 0 ? (read - oldest.read) / seconds : 0
    const total = this.#total
    const left = total === undefined ? undefined : Math.max(0, total.value - counts.read)
    return {
      name: this.name,
      run: this.run,
      counts,
      estimated: total !== undefined && !total.exact,
      ...(total === undefined ? {} : { total: total.value }),
      recordsPerSecond,
      ...(left === undefined || recordsPerSecond <= 0 ? {} : { etaMs: (left / recordsPerSecond) * 1000 }),
      elapsedMs: now - this.#begun,
    }
  }
}
