/** Which lanes work, and which rest because fewer are wanted than there are: a lane is asked between its batches. */
export class SideBySide {
  readonly #working = new Set<object>()
  #wanted = 1
  #most = 1
  /** Told of the lanes that are wanted from now on. */
  onChange: (wanted: number) => void = () => {}

  get wanted(): number {
    return this.#wanted
  }

  set wanted(lanes: number) {
    if (lanes === this.#wanted) return
    this.#wanted = lanes
    this.#most = Math.max(this.#most, lanes)
    this.onChange(lanes)
  }

  /** The most that were ever wanted: one that rests still holds what it has read ahead. */
  get most(): number {
    return this.#most
  }

  /** Whether the lane is to rest, as it is one too many. */
  rests(lane: object): boolean {
    if (this.#working.has(lane)) {
      if (this.#working.size <= this.#wanted) return false
      this.#working.delete(lane)
      return true
    }
    if (this.#working.size >= this.#wanted) return true
    this.#working.add(lane)
    return false
  }

  /** It has ended. */
  left(lane: object): void {
    this.#working.delete(lane)
  }
}
