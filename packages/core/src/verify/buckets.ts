export type SideName = 'expected' | 'actual'

const bucketCount = 65_536

/** Sums of the rows of one side, by bucket: they do not depend on the order in which the rows come. */
class Sums {
  readonly rows = new Float64Array(bucketCount)
  readonly high = new Uint32Array(bucketCount)
  readonly low = new Uint32Array(bucketCount)
}

/** Which rows belong into a bucket is decided by their keys; what is added up there are hashes of whole rows. */
export class Buckets {
  readonly #sums = { expected: new Sums(), actual: new Sums() }

  add(side: SideName, key: string, hash: Buffer): void {
    const sums = this.#sums[side]
    const at = Buckets.of(key)
    // Unsigned elements wrap around. A sum, unlike an exclusive or, does not lose a row that is there twice.
    sums.rows[at] = (sums.rows[at] as number) + 1
    sums.high[at] = (sums.high[at] as number) + hash.readUInt32LE(0)
    sums.low[at] = (sums.low[at] as number) + hash.readUInt32LE(4)
  }

  /** The buckets in which the sides are not the same. */
  get differing(): number[] {
    const { expected, actual } = this.#sums
    const all: number[] = []
    for (let at = 0; at < bucketCount; at++) {
      const isSame =
        expected.rows[at] === actual.rows[at] &&
        expected.high[at] === actual.high[at] &&
        expected.low[at] === actual.low[at]
      if (!isSame) all.push(at)
    }
    return all
  }

  /** Whether the sides are as far apart here as they are there, in the buckets that are named: rows of both sides that are the same do not matter. */
  differLike(other: Buckets, named: Iterable<number>): boolean {
    for (const at of named) {
      const [here, there] = [this.#apart(at), other.#apart(at)]
      if (here.some((value, i) => value !== there[i])) return false
    }
    return true
  }

  #apart(at: number): readonly number[] {
    const { expected, actual } = this.#sums
    return (['rows', 'high', 'low'] as const).map(
      (sum) => ((expected[sum][at] as number) - (actual[sum][at] as number)) | 0,
    )
  }

  /** Differing buckets from number `from` on that together have at most so many rows on both sides, one at least; and whether these are all. */
  select(rows: number, from = 0): { readonly selected: ReadonlySet<number>; readonly complete: boolean } {
    const selected = new Set<number>()
    let held = 0
    for (const at of this.differing) {
      if (at < from) continue
      held += (this.#sums.expected.rows[at] as number) + (this.#sums.actual.rows[at] as number)
      if (held > rows && selected.size > 0) return { selected, complete: false }
      selected.add(at)
    }
    return { selected, complete: true }
  }

  /** The bucket of a key: FNV-1a, folded to 16 bits, http://www.isthe.com/chongo/tech/comp/fnv/ */
  static of(key: string): number {
    let hash = 0x811c9dc5
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
    return ((hash >>> 16) ^ hash) & (bucketCount - 1)
  }
}
