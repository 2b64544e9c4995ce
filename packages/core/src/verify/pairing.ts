import type { Row } from '../contracts/values.js'
import { Buckets, type SideName } from './buckets.js'
import type { RowCodes } from './row-codes.js'
import { type PairingKey, RowStream } from './row-stream.js'
import { Tally, type Unpaired } from './tally.js'
import type { PagePlace, VerifiedFlow } from './verified-flow.js'

/** A row without a partner, and where both sides were when it came. */
export interface HeldRow extends Unpaired {
  readonly row: Row
  readonly places: Readonly<Record<SideName, PagePlace>>
}

interface Held {
  readonly row: Row
  readonly bytes: number
  readonly places: HeldRow['places']
}

type Entry = Readonly<Record<SideName, Held[]>>

export interface PairingLimits {
  readonly rows: number
  readonly bytes: number
}

/**
 * One pass over both sides at once. Each row looks for its partner among those that came already, and is held until that comes: few
 * are, where both sides come in about the same order, and what is left in the end is what differs. Where the orders have nothing to
 * do with each other, rows that cannot be held are added up in buckets.
 */
export class Pairing {
  /** What differs, unless there are sums. */
  readonly tally: Tally<HeldRow>
  /** Of the rows without a partner; null if all of them could be held, or were known to have none. */
  sums: Buckets | null = null
  readonly #codes: RowCodes
  readonly #limits: PairingLimits
  readonly #entries = new Map<PairingKey, Entry>()
  readonly #streams: Readonly<Record<SideName, RowStream>>
  readonly #held = { expected: 0, actual: 0 }
  #bytes = 0
  /** Rows that found their partner since rows were added up last. */
  #paired = 0
  /** Holding rows has shown to be in vain. */
  #onlySums = false
  /** Rows were taken out as the order of keys allows, and it is to be seen whether it lasts. */
  #evicted: Buckets | null = null

  constructor(codes: RowCodes, sides: Readonly<Record<SideName, VerifiedFlow>>, limits: PairingLimits) {
    this.tally = new Tally(codes)
    this.#codes = codes
    this.#limits = limits
    this.#streams = {
      expected: new RowStream(sides.expected.pages(), codes),
      actual: new RowStream(sides.actual.pages(), codes),
    }
  }

  async run(): Promise<void> {
    const { expected, actual } = this.#streams
    try {
      while (!(expected.hasEnded && actual.hasEnded)) {
        if (expected.needsPage) await expected.nextPage()
        if (actual.needsPage) await actual.nextPage()
        this.#pairPage()
      }
    } finally {
      await expected.close()
      await actual.close()
    }
    if (this.#evicted !== null && !this.#isOrdered) this.sums ??= this.#evicted
    if (this.sums !== null) this.#addUp()
    else for (const { expected: wanted, actual: got } of this.#entries.values()) this.#count(wanted, got)
  }

  /** Both sides come by ascending keys, of one sort. */
  get #isOrdered(): boolean {
    return this.#streams.expected.isAscending && this.#streams.actual.isAscending
  }

  /** Goes on until one side needs a page. */
  #pairPage(): void {
    const { expected, actual } = this.#streams
    while (!expected.needsPage && !actual.needsPage) {
      const [wanted, got] = [expected.key, actual.key]
      if (wanted === undefined && got === undefined) return
      if (wanted === got && this.#codes.isSame(expected.row, actual.row)) {
        expected.advance()
        actual.advance()
        this.#paired++
      } else {
        this.#take(this.#isExpectedNext(wanted, got) ? 'expected' : 'actual')
      }
    }
  }

  /** In order the lesser key comes first, else the side of which less is held: so the sides stay side by side. */
  #isExpectedNext(wanted: PairingKey | undefined, got: PairingKey | undefined): boolean {
    if (wanted === undefined || got === undefined) return got === undefined
    if (this.#isOrdered && typeof wanted === typeof got) return wanted <= got
    return this.#held.expected <= this.#held.actual
  }

  #take(side: SideName): void {
    const { [side]: stream } = this.#streams
    const { row } = stream
    const key = stream.key as PairingKey
    stream.advance()
    if (this.#onlySums && this.sums !== null) this.sums.add(side, this.#codes.keyOf(row), this.#codes.hashOf(row))
    else if (this.#findPartner(side, key, row)) this.#paired++
    else this.#hold(side, key, row)
  }

  #findPartner(side: SideName, key: PairingKey, row: Row): boolean {
    const other = side === 'expected' ? 'actual' : 'expected'
    const entry = this.#entries.get(key)
    const at = entry?.[other].findIndex((held) => this.#codes.isSame(held.row, row)) ?? -1
    const [found] = at === -1 ? [] : (entry?.[other].splice(at, 1) ?? [])
    if (entry === undefined || found === undefined) return false
    this.#forget(other, found)
    if (entry.expected.length + entry.actual.length === 0) this.#entries.delete(key)
    return true
  }

  #hold(side: SideName, key: PairingKey, row: Row): void {
    const { expected, actual } = this.#streams
    const entry = this.#entries.get(key) ?? { expected: [], actual: [] }
    const bytes = this.#streams[side].rowBytes
    entry[side].push({ row, bytes, places: { expected: expected.place, actual: actual.place } })
    this.#entries.set(key, entry)
    this.#held[side]++
    this.#bytes += bytes
    if (this.#held.expected + this.#held.actual > this.#limits.rows || this.#bytes > this.#limits.bytes)
      this.#makeRoom()
  }

  #forget(side: SideName, { bytes }: Held): void {
    this.#held[side]--
    this.#bytes -= bytes
  }

  #makeRoom(): void {
    const { expected, actual } = this.#streams
    const before = this.#held.expected + this.#held.actual
    if (this.#isOrdered && this.sums === null) {
      const coming = [expected, actual].flatMap(({ hasEnded, least }) => (hasEnded ? [] : [least]))
      this.#evicted ??= new Buckets()
      for (const [key, entry] of this.#entries) {
        if (!coming.every((least) => least !== undefined && typeof least === typeof key && key < least)) continue
        this.#count(entry.expected, entry.actual)
        this.#drop(key, entry, this.#evicted)
      }
      if (this.#held.expected + this.#held.actual <= before / 2) return
    }
    this.sums ??= this.#evicted ?? new Buckets()
    this.#addUp()
    this.#onlySums = this.#paired < before
    this.#paired = 0
  }

  /** Adds up what is held. */
  #addUp(): void {
    const sums = this.sums
    if (sums !== null) for (const [key, entry] of this.#entries) this.#drop(key, entry, sums)
  }

  #drop(key: PairingKey, entry: Entry, sums: Buckets): void {
    for (const side of ['expected', 'actual'] as const) {
      for (const held of entry[side]) {
        sums.add(side, this.#codes.keyOf(held.row), this.#codes.hashOf(held.row))
        this.#forget(side, held)
      }
    }
    this.#entries.delete(key)
  }

  #count(expected: readonly Held[], actual: readonly Held[]): void {
    const known = ({ row, places }: Held): HeldRow => ({ key: this.#codes.keyValues(row), row, places })
    this.tally.add(expected.map(known), actual.map(known))
  }
}
