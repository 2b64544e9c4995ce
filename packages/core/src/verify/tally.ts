import type { Row } from '../contracts/values.js'
import type { RowCodes } from './row-codes.js'
import type { Difference } from './verify.js'

const listed = 20

/** A row without a partner. */
export interface Unpaired {
  readonly key: Difference['key']
  /** Undefined if there was no room to keep it. */
  readonly row: Row | undefined
}

/** One of the differences that are listed, and the rows that it was found by. */
export interface Listed<U extends Unpaired> {
  readonly difference: Difference
  readonly expected: U | undefined
  readonly actual: U | undefined
}

/** Counts differences, and lists the first ones. */
export class Tally<U extends Unpaired> {
  readonly counts = { missing: 0, extra: 0, different: 0 }
  readonly listed: Listed<U>[] = []

  constructor(private readonly codes: RowCodes) {}

  get total(): number {
    return this.counts.missing + this.counts.extra + this.counts.different
  }

  /** Rows of one key: those with other values are different, pair by pair; those left over are missing or extra. */
  add(expected: readonly U[], actual: readonly U[]): void {
    for (let i = 0; i < Math.max(expected.length, actual.length); i++) this.#addOne(expected[i], actual[i])
  }

  #addOne(expected: U | undefined, actual: U | undefined): void {
    const kind = actual === undefined ? 'missing' : expected === undefined ? 'extra' : 'different'
    const key = (expected ?? actual)?.key
    this.counts[kind]++
    if (key === undefined || this.listed.length >= listed) return
    const [wanted, got] = [expected?.row, actual?.row]
    const fields = wanted === undefined || got === undefined ? undefined : this.codes.differing(wanted, got)
    this.listed.push({ difference: { kind, key, ...(fields === undefined ? {} : { fields }) }, expected, actual })
  }
}
