import type { JsonValue } from '@drover/core'

/** Sessions whose last time is known: those that were written to last. */
const mostSessions = 100_000

/** A batch, by what it is known again. */
export interface BatchName {
  readonly partition: string
  readonly sequence: number
}

/** What is noted of the last batch, so that a run which is resumed gives its messages the same times. */
export interface TimesNote {
  readonly sequence: number
  /** Of each of its sessions the last time before it, and after it. */
  readonly sessions: readonly (readonly [session: string, before: number | null, after: number])[]
}

/**
 * Gives messages times that grow within their session, in microseconds since 1970: the library reads messages in the order of their times alone,
 * and what a transaction has added has one time.
 */
export class SessionTimes {
  readonly #last = new Map<string, number>()
  #batch: BatchName | undefined
  /** Of the batch: the last times of its sessions before it. */
  #before = new Map<string, number | null>()

  /**
   * Begins a batch. One that is given again begins where it began before.
   *
   * @param note What was noted of the batch before, or of this one: it counts where this process has not written to the partition.
   */
  begin(batch: BatchName, note: TimesNote | null): void {
    const known = this.#batch?.partition === batch.partition ? this.#batch : undefined
    if (known === undefined) this.#take(batch, note)
    else if (known.sequence === batch.sequence) {
      for (const [session, last] of this.#before) this.#set(session, last)
    }
    this.#batch = batch
    this.#before = new Map()
  }

  /** @param wanted The message's own time. */
  next(session: string, wanted: number): number {
    const last = this.#last.get(session)
    if (!this.#before.has(session)) this.#before.set(session, last ?? null)
    const time = last === undefined ? wanted : Math.max(wanted, last + 1)
    this.#set(session, time)
    return time
  }

  /** Of the batch, as far as it was given times. */
  note(): TimesNote {
    return {
      sequence: this.#batch?.sequence ?? 0,
      sessions: [...this.#before].map(([session, before]) => [session, before, this.#last.get(session) ?? 0]),
    }
  }

  #take({ sequence }: BatchName, note: TimesNote | null): void {
    if (note === null) return
    const isAgain = note.sequence === sequence
    if (!isAgain && note.sequence !== sequence - 1) return // of a run before this one
    for (const [session, before, after] of note.sessions) this.#set(session, isAgain ? before : after)
  }

  #set(session: string, last: number | null): void {
    this.#last.delete(session)
    if (last === null) return
    this.#last.set(session, last)
    if (this.#last.size <= mostSessions) return
    const [oldest] = this.#last.keys()
    if (oldest !== undefined) this.#last.delete(oldest)
  }
}

/** Null for what is no note. */
export function readNote(text: string): TimesNote | null {
  try {
    const note = JSON.parse(text) as { readonly sequence?: JsonValue; readonly sessions?: JsonValue }
    const isNote = typeof note.sequence === 'number' && Array.isArray(note.sessions)
    return isNote ? (note as unknown as TimesNote) : null
  } catch {
    return null
  }
}
