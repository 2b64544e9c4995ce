import { abortError, type Cursor, type SourceReject } from '@drover/core'
import type { RedisConnection } from '../../connection/redis-connection.js'
import { Changes } from './changes.js'
import { JsonLines } from './json-lines.js'
import { type Fetched, isMissing, KeyFetch, type Reading } from './key-fetch.js'
import { KeyQueue } from './key-queue.js'
import { PageSize } from './page-size.js'
import { RedisPage } from './redis-page.js'
import type { StoredKey } from './stored-key.js'

/** What one read is asked for. */
export interface ReadingKeys {
  /** A page has no more records than `records`, and ends at `bytes`, or at its first record if that is larger. */
  readonly page: { readonly records: number; readonly bytes: number }
  readonly cursorOf: (key: Buffer) => Cursor
  readonly signal: AbortSignal
  /** Whether changes of this key are to be counted. Asked before the page that it belongs to is given. */
  readonly isCounted?: (key: Buffer) => boolean
  /** All keys that were asked for at once are gone; with those before them, so many one after the other. May throw. */
  readonly onGone?: (inARow: number) => Promise<void>
}

interface Flight {
  readonly wanted: readonly Buffer[]
  /** Of the first ones of them. */
  readonly fetched: readonly Fetched[]
}

/** Reads what keys hold, as pages of them: while one is used, the commands for the next are on their way. */
export class ValueReader<R> {
  readonly #lines = new JsonLines()

  constructor(
    private readonly connection: RedisConnection,
    private readonly reading: Reading,
    /** What was not as expected, of all pages that were given. */
    readonly changes = new Changes(),
  ) {}

  /**
   * @param keys In any chunks: pages keep to their order, and to what was asked for, whatever the chunks are.
   * @throws DroverError
   */
  async *read(
    keys: Iterable<readonly Buffer[]> | AsyncIterable<readonly Buffer[]>,
    reading: ReadingKeys,
  ): AsyncGenerator<RedisPage<R>, void, void> {
    const { page, signal, onGone } = reading
    const queue = new KeyQueue(keys)
    const size = new PageSize(page)
    const fetch = new KeyFetch(this.connection, this.reading, signal)
    // What is asked for at first is little. It makes one page all the same: what records are like may be told by the first one.
    let held: Flight | null = { wanted: [], fetched: [] }
    const next = async (): Promise<Flight> => {
      const wanted = await queue.take(Math.min(size.keys, page.records - (held?.fetched.length ?? 0)))
      const fetched = wanted.length === 0 ? [] : await fetch.fetch(wanted, page.bytes)
      queue.giveBack(wanted.slice(fetched.length))
      return { wanted: wanted.slice(0, fetched.length), fetched }
    }
    const launched = (): Promise<Flight> => {
      const flight = next()
      // Who leaves the loop is not told what became of it.
      flight.catch(() => {})
      return flight
    }
    let flight = launched()
    let goneInARow = 0
    try {
      for (;;) {
        if (signal.aborted) throw abortError(signal)
        let { wanted, fetched } = await flight
        const isEnd = wanted.length === 0
        if (isEnd && (held === null || held.wanted.length === 0)) return
        if (!isEnd) {
          size.learn(fetched)
          const behind = fetched.findLastIndex((one) => one !== 'gone')
          goneInARow = fetched.length - 1 - behind + (behind < 0 ? goneInARow : 0)
          if (behind < 0) await onGone?.(goneInARow)
        }
        if (held !== null) {
          wanted = [...held.wanted, ...wanted]
          fetched = [...held.fetched, ...fetched]
          const isFull = isEnd || fetched.length >= page.records || bytesOf(fetched) >= page.bytes / 2
          held = isFull ? null : { wanted, fetched }
        }
        flight = launched()
        if (held === null) yield* this.#pages(wanted, fetched, reading)
      }
    } finally {
      fetch.close()
      await flight.catch(() => {})
      await queue.close()
    }
  }

  *#pages(
    keys: readonly Buffer[],
    fetched: readonly Fetched[],
    { page, cursorOf, isCounted = () => true }: ReadingKeys,
  ): Generator<RedisPage<R>, void, void> {
    let stored: StoredKey[] = []
    let rejected: SourceReject[] = []
    let bytes = 0
    const made = (last: number) => {
      const cursor = cursorOf(keys[last] as Buffer)
      const { decode, types } = this.reading
      const where = this.connection.name
      return new RedisPage<R>({ stored, rejected, bytes, cursor, decode, types, lines: this.#lines, where })
    }
    for (let i = 0; i < fetched.length; i++) {
      const one = fetched[i] as Fetched
      const size = isMissing(one) ? 0 : 'reject' in one ? (one.reject.raw?.length ?? 0) : one.size
      if (bytes > 0 && bytes + size > page.bytes) {
        yield made(i - 1)
        stored = []
        rejected = []
        bytes = 0
      }
      bytes += size
      // Only as far as pages are given: what was read ahead, and is read again, would be counted twice.
      const change = isMissing(one) ? one : 'isUnsteady' in one ? 'unsteady' : null
      if (change !== null && isCounted(keys[i] as Buffer)) this.changes[change].add(keys[i] as Buffer)
      if (isMissing(one)) continue
      if ('reject' in one) rejected.push(one.reject)
      else stored.push(one)
    }
    yield made(fetched.length - 1)
  }
}

function bytesOf(fetched: readonly Fetched[]): number {
  return fetched.reduce((sum, one) => sum + (!isMissing(one) && 'size' in one ? one.size : 0), 0)
}
