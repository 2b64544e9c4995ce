import type { Row } from '../contracts/values.js'
import { estimateBytes } from '../engine/row-size.js'
import { Buckets } from './buckets.js'
import type { RowCodes } from './row-codes.js'
import { Tally, type Unpaired } from './tally.js'
import type { VerifiedFlow } from './verified-flow.js'
import type { Verification } from './verify.js'

/** Rows kept to say which of their fields differ. */
const keptBytes = 16 * 1024 * 1024

/** What differs, by key: rows of either side without a partner. */
interface Entry {
  readonly expected: Kept[]
  readonly actual: Kept[]
}

interface Kept extends Unpaired {
  readonly hash: string
  /** Of the fields with a tolerance. */
  readonly near: readonly unknown[]
}

interface NarrowOptions {
  readonly buckets: Buckets
  readonly codes: RowCodes
  readonly maxKeys: number
}

export type Found = Pick<
  Verification,
  'missing' | 'extra' | 'different' | 'complete' | 'differences' | 'changedMeanwhile'
>

/**
 * Reads both sides again and finds the keys that differ, among those whose buckets do. With a tolerance, rows in many buckets
 * may turn out to be the same: then it goes on with the next ones, until something differs or all were looked at.
 */
export async function narrow(expected: VerifiedFlow, actual: VerifiedFlow, options: NarrowOptions): Promise<Found> {
  for (let from = 0; ; ) {
    const { selected, complete } = options.buckets.select(options.maxKeys, from)
    const again = new Buckets()
    const found = await lookInto(selected, expected, actual, { codes: options.codes, again })
    // What is near is not added up alike on both sides.
    const changedMeanwhile = !options.codes.hasTolerance && !again.differLike(options.buckets, selected)
    const isNothing = found.missing + found.extra + found.different === 0
    if (complete || !isNothing || !options.codes.hasTolerance) return { ...found, complete, changedMeanwhile }
    from = Math.max(...selected) + 1
  }
}

async function lookInto(
  selected: ReadonlySet<number>,
  expected: VerifiedFlow,
  actual: VerifiedFlow,
  { codes, again }: { readonly codes: RowCodes; readonly again: Buckets },
): Promise<Omit<Found, 'complete' | 'changedMeanwhile'>> {
  const entries = new Map<string, Entry>()
  const keeper = new Keeper(codes)
  for await (const { rows } of expected.pages()) {
    for (const row of rows) {
      const key = codes.keyOf(row)
      if (!selected.has(Buckets.of(key))) continue
      again.add('expected', key, codes.hashOf(row))
      entryOf(entries, key).expected.push(keeper.keep(row))
    }
  }
  for await (const { rows } of actual.pages()) {
    for (const row of rows) {
      const key = codes.keyOf(row)
      if (!selected.has(Buckets.of(key))) continue
      again.add('actual', key, codes.hashOf(row))
      const entry = entryOf(entries, key)
      const hash = keeper.hashOf(row)
      const near = codes.nearValuesOf(row)
      const partner = entry.expected.findIndex((kept) => kept.hash === hash && codes.isNear(kept.near, near))
      if (partner === -1) entry.actual.push(keeper.keep(row))
      else entry.expected.splice(partner, 1)
      if (entry.expected.length + entry.actual.length === 0) entries.delete(key)
    }
  }
  const tally = new Tally<Kept>(codes)
  for (const entry of entries.values()) tally.add(entry.expected, entry.actual)
  return { ...tally.counts, differences: tally.listed.map(({ difference }) => difference) }
}

function entryOf(entries: Map<string, Entry>, key: string): Entry {
  const known = entries.get(key)
  if (known !== undefined) return known
  const entry: Entry = { expected: [], actual: [] }
  entries.set(key, entry)
  return entry
}

/** Keeps rows as long as there is room for them; their hashes and keys in any case. */
class Keeper {
  #left = keptBytes

  constructor(private readonly codes: RowCodes) {}

  keep(row: Row): Kept {
    this.#left -= this.#left > 0 ? estimateBytes([row]) : 0
    return {
      hash: this.hashOf(row),
      key: this.codes.keyValues(row),
      row: this.#left > 0 ? row : undefined,
      near: this.codes.nearValuesOf(row),
    }
  }

  hashOf(row: Row): string {
    return this.codes.hashOf(row, true).toString('latin1')
  }
}
