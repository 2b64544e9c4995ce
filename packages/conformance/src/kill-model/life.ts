import { DroverError } from '@drover/core'

/** What ends a life: every call fails with it from the chosen step on, as if the process were gone. */
export class Kill extends Error {
  override readonly name = 'Kill'
  readonly isRetryable = false

  constructor(readonly step: string) {
    super(`killed ${step}`)
  }
}

/** Calls in which a store may keep other processes off: from the beginning of a write, or only once its pages are pulled. */
export type Exclusive = 'write' | 'commit'

/** What becomes of a life, by the numbers of its steps. */
export interface Fate {
  /** Ends there. */
  readonly killAt?: number
  /** Falls asleep there, until somebody wakes it. */
  readonly sleepAt?: number
  /** Does not fall asleep while such a call is under way, which would keep everybody else off. @default anywhere */
  readonly notDuring?: Exclusive | undefined
  /** What is called there fails, once, with an error that is transient: before it did anything, or after it did all. */
  readonly stumbleAt?: number
}

/**
 * One life of a process. Each awaited step asks whether it was the last one; what was done by then stays done, and
 * nothing more happens.
 */
export class Life {
  steps = 0
  /** Label of the step that failed. */
  stumbledAt: string | undefined
  /** Calls under way. */
  readonly #inside: Record<Exclusive, number> = { write: 0, commit: 0 }
  /** Label of the step that was the last one. */
  endedAt: string | undefined
  /** What the process had open: the operating system closes it, long after. */
  readonly #open: (() => Promise<void>)[] = []
  readonly #sleeping: Promise<string>
  readonly #waking: Promise<void>
  #sleep!: (label: string) => void
  #wake!: () => void

  constructor(private readonly fate: Fate = {}) {
    this.#sleeping = new Promise((resolve) => {
      this.#sleep = resolve
    })
    this.#waking = new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Resolves with the label of the step at which it fell asleep. */
  get asleep(): Promise<string> {
    return this.#sleeping
  }

  wake(): void {
    this.#wake()
  }

  /** @throws `Kill` if it is over. */
  check(): void {
    if (this.endedAt !== undefined) throw new Kill(this.endedAt)
  }

  /** One step. */
  async step(label: string): Promise<void> {
    this.check()
    this.steps++
    const { killAt, sleepAt, notDuring, stumbleAt } = this.fate
    if (this.steps === killAt) {
      this.endedAt = label
      throw new Kill(label)
    }
    if (this.steps === stumbleAt) {
      this.stumbledAt = label
      throw new DroverError('STORE_UNAVAILABLE', `The store of the kill model broke off ${label}.`, {
        isRetryable: true,
      })
    }
    if (this.steps === sleepAt && (notDuring === undefined || this.#inside[notDuring] === 0)) {
      this.#sleep(label)
      await this.#waking
    }
  }

  /** A call that may be the last one before it began, or after it was done. */
  async call<T>(label: string, work: () => Promise<T>): Promise<T> {
    await this.step(`before ${label}`)
    const result = await work()
    await this.step(`after ${label}`)
    return result
  }

  /** Notes that such a call is under way while `work` lasts. */
  async during<T>(call: Exclusive, work: () => Promise<T>): Promise<T> {
    this.#inside[call]++
    try {
      return await work()
    } finally {
      this.#inside[call]--
    }
  }

  /** Has something closed once nobody can be disturbed by it. */
  closeLater(close: () => Promise<void>): void {
    this.#open.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#open.splice(0)) await close()
  }
}

/** Whether an error is that of a life that ended, or was caused by it. */
export function isKill(error: unknown): boolean {
  for (let at = error, depth = 0; at !== undefined && at !== null && depth < 10; depth++) {
    if (at instanceof Kill) return true
    at = (at as { cause?: unknown }).cause
  }
  return false
}
