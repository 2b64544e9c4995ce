/** Keys that were not as they were expected to be, counted, with the first one of them as an example. */
export class Tally {
  count = 0
  /** As messages show it. */
  example: Buffer | null = null

  add(key: Buffer): void {
    this.count++
    // A copy: what a key was read with may be far larger.
    this.example ??= Buffer.from(key)
  }
}

/** What may become of a key, one of the tallies of {@link Changes}. */
export type Missing = 'gone' | 'retyped' | 'otherType'

/** What became of keys between being found and being read. All of it is normal in a store that is in use; none of it is an error. */
export class Changes {
  /** There was no such key any more: deleted, or expired. */
  readonly gone = new Tally()
  /** It had become another key, of a type that is not read. */
  readonly retyped = new Tally()
  /** It changed each time while it was read in parts; what was read last was taken. */
  readonly unsteady = new Tally()
  /** It is of one of the types that Drover reads, and not of those that were asked for. */
  readonly otherType = new Tally()
}
