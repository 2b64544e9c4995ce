/** What of its time the run works at the least: standing still is for loads of 2 and for people. */
const leastDuty = 0.01
/** Where the load is to come to rest: in the middle of a band in which nothing is changed. */
const aim = 0.9
const band = { from: 0.8, to: 1 }
/** How much faster it may get in a second of health, and how much slower in one of overload. */
const largestStep = { up: 1.2, down: 0.5 }
/** What of the distance from the aim is corrected in a second. Slower upwards: an overload is worse than an idle store. */
const gain = { up: 0.2, down: 0.5 }
/** How far the load is thought ahead, in seconds: lag that grows is lag to come, and what falls needs no more help. */
const foresightS = 3
/** Over how many cycles of work and rest a load is averaged: one batch in a long rest is no trend. */
const cycles = 2
const leastMemoryS = 1
/** Where it was too much last, it is approached with so small steps, from this part of it on. */
const nearKnee = { from: 0.7, to: 1.15, largestStep: 1.03 }

/** What is known of one signal. */
interface Known {
  at: number
  raw: number
  load: number
  trend: number
}

/**
 * The share of time that lanes may work, from the loads that signals tell. An integral controller: it changes what is, by
 * what is missing, so that it needs no model of the store. A dead band and steps that shrink towards it keep it from swinging.
 */
export class Duty {
  #share = 1
  /** The share that was too much last. */
  #knee = Number.POSITIVE_INFINITY
  #isBackingOff = false
  #culprit: string | undefined
  readonly #signals = new Map<string, Known>()

  /** 1 is without a rest. */
  get share(): number {
    return this.#share
  }

  /** Some signal says that nothing at all should be added now. */
  get isHalted(): boolean {
    return (this.worst?.load ?? 0) >= 2
  }

  /** The signal that is nearest to its limit, or the farthest beyond it, and its load as it was told last. */
  get worst(): { readonly signal: string; readonly load: number } | undefined {
    let worst: { signal: string; load: number } | undefined
    for (const [signal, { raw }] of this.#signals) if (raw >= (worst?.load ?? 0)) worst = { signal, load: raw }
    return worst
  }

  /** The signal that made it work less, the last time that one did. */
  get culprit(): string | undefined {
    return this.#culprit
  }

  /** The one that decides about the share. */
  get binding(): string | undefined {
    let binding: string | undefined
    let highest = Number.NEGATIVE_INFINITY
    for (const [signal, known] of this.#signals) {
      const ahead = aheadOf(known)
      if (ahead > highest) [binding, highest] = [signal, ahead]
    }
    return binding
  }

  /**
   * Takes a reading in.
   *
   * @param now In milliseconds, of any clock that does not go back.
   * @param cycleMs How long a batch and its rest take together at present.
   */
  read(signal: string, load: number, now: number, cycleMs: number): void {
    const before = this.#signals.get(signal)
    if (before === undefined) {
      this.#signals.set(signal, { at: now, raw: load, load, trend: 0 })
      if (load > band.to) this.#change(signal, load, 1)
      return
    }
    const seconds = Math.max(0.001, (now - before.at) / 1000)
    const wasHalted = this.isHalted
    const memory = Math.max(leastMemoryS, (cycles * cycleMs) / 1000)
    const weight = 1 - Math.exp(-seconds / memory)
    const next = before.load + weight * (load - before.load)
    const trend = before.trend + weight * ((next - before.load) / seconds - before.trend)
    this.#signals.set(signal, { at: now, raw: load, load: next, trend })
    // At rest nothing is learnt of what the work does to the store.
    if (wasHalted && this.isHalted) return
    if (this.binding === signal) this.#change(signal, aheadOf({ load: next, trend }), Math.min(1, seconds))
  }

  #change(signal: string, load: number, seconds: number): void {
    if (load >= band.from && load <= band.to) return
    const missing = aim - load
    if (missing < 0) {
      if (!this.#isBackingOff) this.#knee = this.#share
      this.#isBackingOff = true
      this.#culprit = signal
      this.#share = Math.max(leastDuty, this.#share * Math.max(largestStep.down, 1 + gain.down * missing) ** seconds)
      return
    }
    this.#isBackingOff = false
    const isNear = this.#share > this.#knee * nearKnee.from && this.#share < this.#knee * nearKnee.to
    const step = Math.min(isNear ? nearKnee.largestStep : largestStep.up, 1 + gain.up * missing)
    this.#share = Math.min(1, this.#share * step ** seconds)
  }
}

function aheadOf({ load, trend }: Pick<Known, 'load' | 'trend'>): number {
  return load + trend * foresightS
}
