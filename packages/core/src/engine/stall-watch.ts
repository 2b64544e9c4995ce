import type { Partition, Position } from '../contracts/position.js'
import type { Stall, StoreWait, WaitingFor } from '../contracts/stall.js'
import type { Held } from '../contracts/state-store.js'
import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import type { CommittedBatch, Lane, LaneListener } from './lane.js'
import { pause, type RetryNotice } from './retry.js'
import type { RunControl } from './run-control.js'

/** How long a store may take to say what it waits for, in milliseconds. */
const answerMs = 5_000
/** What a timer of Node can hold. */
const longestMs = 2 ** 31 - 1

export interface StallTerms {
  /** 0 is never. */
  readonly afterMs: number
  readonly control: RunControl
  /** Told of all that the lane tells. */
  readonly listener: Omit<LaneListener, 'heldBack'>
  readonly onStall: (stall: Omit<Stall, 'name' | 'run'>) => void
}

/** Watches the work on one partition, and tells when nothing of it was committed for long, and what it waits for. */
export class StallWatch implements LaneListener, AsyncDisposable {
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  /** The last commit, or when it could begin. */
  #since = performance.now()
  #told = this.#since
  #lane: Pick<Lane, 'waitsFor' | 'askStore'> | undefined
  #held: Held | undefined
  #retries = 0
  #lastRetry = ''
  #looking: Promise<void> = Promise.resolve()

  constructor(
    /** Null for a run that is being opened. */
    private readonly partition: Partition | null,
    private readonly terms: StallTerms,
  ) {
    this.#arm(terms.afterMs)
  }

  /** Another process has the lease; undefined once it is ours. */
  heldBy(held: Held | undefined): void {
    this.#held = held
    if (held === undefined) this.heldBack()
  }

  working(lane: Pick<Lane, 'waitsFor' | 'askStore'>): void {
    this.#lane = lane
  }

  committed(batch: CommittedBatch): void {
    this.heldBack()
    this.terms.control.throttle.measured(batch.counts.read, batch.durationMs)
    this.terms.listener.committed(batch)
  }

  retried(partition: string, notice: RetryNotice): void {
    const { code, message } = DroverError.from(notice.error, 'a transient error')
    this.#retries++
    this.#lastRetry = `${code}: ${redactSecrets(message)}`
    this.terms.listener.retried(partition, notice)
  }

  wentBack(from: Position, to: Position): void {
    this.heldBack()
    this.terms.listener.wentBack(from, to)
  }

  heldBack(): void {
    this.#since = performance.now()
    this.#told = this.#since
    this.#retries = 0
  }

  /** Ends it; what was asked meanwhile is not waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    this.#closing.abort()
    await this.#looking
  }

  #arm(ms: number): void {
    if (this.terms.afterMs === 0 || this.#closing.signal.aborted) return
    this.#timer = setTimeout(() => this.#look(), Math.min(longestMs, Math.max(1, ms)))
    this.#timer.unref()
  }

  /** One timer that looks when it has run down: commits are too many to set it anew with each. */
  #look(): void {
    const { afterMs, control } = this.terms
    const left = this.#told + afterMs - performance.now()
    if (left > 0) {
      this.#arm(left)
      return
    }
    const waitsFor = this.#waitsFor
    if (waitsFor === null || control.paused) {
      this.heldBack()
      this.#arm(afterMs)
      return
    }
    const since = this.#since
    this.#looking = this.#ask().then((answer) => {
      if (this.#closing.signal.aborted) return
      if (since === this.#since) this.#tell(waitsFor, answer)
      this.#arm(this.#told + afterMs - performance.now())
    })
  }

  get #waitsFor(): WaitingFor | null {
    if (this.#held !== undefined) return 'lease'
    return this.#lane === undefined ? 'sink' : this.#lane.waitsFor
  }

  /** What the store says; a text if it does not. The question is no reason for the run to fail. */
  async #ask(): Promise<readonly StoreWait[] | string> {
    if (this.#held !== undefined || this.#lane === undefined) return []
    const answered = new AbortController()
    const signal = AbortSignal.any([this.#closing.signal, answered.signal])
    const late = pause(answerMs, signal).then(() => {
      throw new Error(`it did not answer within ${answerMs / 1000} s`)
    })
    try {
      return await Promise.race([this.#lane.askStore({ signal }), late])
    } catch (error) {
      return `The store could not be asked what it waits for: ${redactSecrets(String((error as Error).message ?? error))}`
    } finally {
      late.catch(() => {}) // given up below
      answered.abort()
    }
  }

  #tell(waitsFor: WaitingFor, answer: readonly StoreWait[] | string): void {
    const now = performance.now()
    const sinceMs = now - this.#since
    this.#told = now
    const partition = this.partition?.id ?? ''
    const statements = typeof answer === 'string' ? [] : answer
    const seconds = Math.round(sinceMs / 100) / 10
    const what =
      this.partition === null
        ? `The run has not been opened for ${seconds} s`
        : `Nothing of partition "${partition}" was committed for ${seconds} s`
    const parts = [
      `${what}: it waits for ${this.#named(waitsFor)}.`,
      ...(this.#retries === 0
        ? []
        : [
            `It was tried again ${this.#retries} ${this.#retries === 1 ? 'time' : 'times'}, the last time after ${this.#lastRetry}`,
          ]),
      ...(typeof answer === 'string' ? [answer] : answer.map(({ message }) => message)),
    ]
    this.terms.onStall({ partition, sinceMs, waitsFor, statements, message: parts.join(' ') })
  }

  #named(waitsFor: WaitingFor): string {
    if (this.partition === null) return beforeBegun[waitsFor]
    switch (waitsFor) {
      case 'lease':
        return this.#held === undefined
          ? 'its lease'
          : `its lease, which ${this.#held.heldBy} holds until ${this.#held.expiresAt.toISOString()}`
      case 'source':
        return 'the source to give records'
      case 'transform':
        return 'a step to answer'
      case 'sink':
        return 'the sink to write'
      case 'state':
        return 'the state store to keep its position'
      case 'backfiller':
        return 'the backfiller'
    }
  }
}

const beforeBegun: Readonly<Record<WaitingFor, string>> = {
  lease: 'the lease of an earlier run',
  source: 'the source to answer',
  transform: 'a step to be ready',
  sink: 'the sink to be ready',
  state: 'the state store to answer',
  backfiller: 'the backfiller to be ready',
}
