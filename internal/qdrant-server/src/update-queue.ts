/** Changes a collection. @throws Refusal */
export type Update = (version: number) => void

/**
 * Updates in the order in which they came. One with `wait` is applied at once, after all that came before it; one without is only
 * acknowledged, and applied a moment later: until then nobody sees it, and what is wrong with it nobody learns.
 */
export class UpdateQueue {
  #waiting: (() => void)[] = []
  #operations = 0

  constructor(
    private readonly delayMs: number,
    private readonly applied: () => void,
  ) {}

  get length(): number {
    return this.#waiting.length
  }

  /** What `UpdateResult` says. @throws Refusal of an update that waits */
  add(update: Update, wait: boolean): { operation_id: number; status: 'acknowledged' | 'completed' } {
    const version = this.#operations++
    if (!wait) {
      this.#waiting.push(() => update(version))
      if (this.#waiting.length === 1) setTimeout(() => this.#drain(), this.delayMs).unref()
      return { operation_id: version, status: 'acknowledged' }
    }
    this.#drain()
    update(version)
    this.applied()
    return { operation_id: version, status: 'completed' }
  }

  #drain(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const apply of waiting) {
      try {
        apply()
      } catch {
        // The real one writes it to its log: the client has its answer already.
      }
    }
    if (waiting.length > 0) this.applied()
  }
}
