/** What must be there in the end, by the answers that were given. */
export class Ledger {
  /** What a message may hold: its text, or one of two where no answer came. */
  readonly contents = new Map<number, readonly string[]>()
  /** Texts of new messages that may be there: no answer came. */
  readonly perhaps: string[] = []
  #added = 0
  #edited = 0
  #unanswered = 0
  readonly #busy = new Set<number>()

  get counts(): { readonly added: number; readonly edited: number; readonly unanswered: number } {
    return { added: this.#added, edited: this.#edited, unanswered: this.#unanswered }
  }

  /** One of the first messages, which nobody edits: of two edits at once nobody knows which is the last. */
  free(rows: number): number {
    for (;;) {
      const id = 1 + Math.floor(Math.random() * rows)
      if (!this.#busy.has(id)) return id
    }
  }

  /** @param send Gives what was answered, or undefined if the process was killed before it had answered. */
  async edit(id: number, content: string, send: () => Promise<unknown>): Promise<void> {
    this.#busy.add(id)
    const before = this.contents.get(id)
    if ((await send()) === undefined) {
      // Stays busy. Without an edit before, it may hold what it held from the beginning, too.
      this.#unanswered++
      if (before !== undefined) this.contents.set(id, [...before, content])
      return
    }
    this.contents.set(id, [content])
    this.#edited++
    this.#busy.delete(id)
  }

  async add(content: string, send: () => Promise<unknown>): Promise<void> {
    const answer = await send()
    if (answer === undefined) {
      this.#unanswered++
      this.perhaps.push(content)
      return
    }
    this.contents.set(Number((answer as { readonly id: unknown }).id), [content])
    this.#added++
  }
}
