/** Cuts a list in parts whose size follows that of what is read of them: no more is in memory than about so many bytes. */
export class Chunks<T> {
  #at = 0
  #size = 16

  constructor(
    private readonly all: readonly T[],
    private readonly bytes = 8 * 1024 * 1024,
    private readonly most = 512,
  ) {}

  /** The next ones; empty at the end. */
  next(): readonly T[] {
    const chunk = this.all.slice(this.#at, this.#at + this.#size)
    this.#at += chunk.length
    return chunk
  }

  /** How much the last ones were. */
  was(bytes: number): void {
    if (bytes > this.bytes) this.#size = Math.max(1, Math.floor(this.#size / 2))
    else if (bytes * 4 < this.bytes) this.#size = Math.min(this.most, this.#size * 2)
  }
}
