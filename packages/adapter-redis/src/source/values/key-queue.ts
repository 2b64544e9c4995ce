/** Keys that come in chunks, taken in others. */
export class KeyQueue {
  readonly #chunks: AsyncIterator<readonly Buffer[]> | Iterator<readonly Buffer[]>
  #chunk: readonly Buffer[] = []
  #at = 0
  #isDone = false

  constructor(chunks: Iterable<readonly Buffer[]> | AsyncIterable<readonly Buffer[]>) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
  }

  /** Up to so many; none only if there are no more. */
  async take(count: number): Promise<readonly Buffer[]> {
    const taken: Buffer[] = []
    while (taken.length < count) {
      if (this.#at === this.#chunk.length) {
        const next = this.#isDone ? null : await this.#chunks.next()
        if (next === null || next.done === true) {
          this.#isDone = true
          break
        }
        this.#chunk = next.value
        this.#at = 0
      }
      const end = Math.min(this.#chunk.length, this.#at + count - taken.length)
      // Nothing is copied where the chunks have just the size that is wanted.
      if (taken.length === 0 && end - this.#at === count) {
        const part = this.#chunk.slice(this.#at, end)
        this.#at = end
        return part
      }
      for (; this.#at < end; this.#at++) taken.push(this.#chunk[this.#at] as Buffer)
    }
    return taken
  }

  /** What was taken and is not wanted yet comes first the next time. */
  giveBack(keys: readonly Buffer[]): void {
    if (keys.length === 0) return
    this.#chunk = [...keys, ...this.#chunk.slice(this.#at)]
    this.#at = 0
  }

  async close(): Promise<void> {
    if (!this.#isDone) await this.#chunks.return?.()
    this.#isDone = true
  }
}
