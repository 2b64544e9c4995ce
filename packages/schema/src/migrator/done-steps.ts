/** Who of the steps that were done before an interruption a step is: one of them, a new one, or another one than was done in its place. */
export type StepFound = 'done' | 'new' | 'other'

/**
 * The steps of one revision that are done, as the journal keeps them: a hash of each, in order. One that is under way outside of a transaction has
 * `!` before it; a backfill that is under way `?`, and what there was of that name before it behind it.
 */
export class DoneSteps {
  readonly #hashes: string[]
  /** How many there were when it began; those behind them are of this time. */
  #known: number
  /** How many of them were passed over this time. */
  #passed = 0
  #open: string | undefined

  constructor(kept: readonly string[] = []) {
    this.#hashes = [...kept]
    if (this.#hashes.at(-1)?.startsWith('!')) this.#open = this.#hashes.pop()?.slice(1)
    this.#known = this.#hashes.length
  }

  get hashes(): readonly string[] {
    return [...this.#hashes]
  }

  get known(): number {
    return this.#known
  }

  get passed(): number {
    return this.#passed
  }

  /** Those that are there each time that the revision is run. */
  get certain(): number {
    return this.#hashes.filter((hash) => !hash.startsWith('~')).length
  }

  /** The step that was under way outside of a transaction when it was interrupted. */
  get open(): string | undefined {
    return this.#open
  }

  add(hash: string): void {
    this.#hashes.push(hash)
  }

  /** Goes past a step that was done before an interruption. */
  passOver(hash: string, isRepeatable: boolean): StepFound {
    while (this.#passed < this.#known) {
      const known = this.#hashes[this.#passed] ?? ''
      if (bare(known) === bare(hash)) {
        this.#passed++
        return 'done'
      }
      // The backfill that was under way.
      if (known.startsWith(`?${hash}:`)) return 'new'
      if (known.startsWith('~')) {
        this.#hashes.splice(this.#passed, 1)
        this.#known--
        continue
      }
      // Asked for by a helper that finds now what it did not find then.
      return isRepeatable ? 'new' : 'other'
    }
    return 'new'
  }

  /** The first step that was not done before has to be the one that was under way: then nobody knows whether it was done. */
  meetOpen(hash: string, isRepeatable: boolean): StepFound | 'unknown' {
    if (this.#open === undefined) return 'new'
    if (isRepeatable || this.#open.startsWith('~')) {
      if (bare(this.#open) === bare(hash) || this.#open.startsWith('~')) this.#open = undefined
      return 'new'
    }
    return this.#open === hash ? 'unknown' : 'other'
  }

  /** What was noted when this backfill began, if it is the one that was under way. */
  backfillBegun(hash: string): string | undefined {
    const marked = this.#hashes[this.#passed]
    return marked?.startsWith(`?${hash}:`) === true ? marked.slice(hash.length + 2) : undefined
  }

  beginBackfill(hash: string, note: string): void {
    this.#hashes.push(`?${hash}:${note}`)
  }

  /** What comes behind it is of this time. */
  endBackfill(hash: string): void {
    this.#hashes.pop()
    this.#hashes.push(hash)
    this.#passed = this.#hashes.length
    this.#known = this.#hashes.length
  }
}

/** Whether a step may be run again can have been found out since. */
function bare(hash: string): string {
  return hash.replace(/^~/, '')
}
