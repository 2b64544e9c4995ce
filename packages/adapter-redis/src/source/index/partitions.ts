import type { Partition } from '@drover/core'
import { slots as allSlots } from '../../connection/key-slot.js'
import type { Topology } from '../../connection/redis-connection.js'
import { hashKey } from './key-hash.js'
import { allKeys, boundsOf, highestHash, type KeyRange } from './key-range.js'

/** Ranges of hashes, which hold about the same number of keys each. */
export function hashPartitions(count: number): readonly Partition[] {
  return count < 2 ? [whole] : numbered(hashRanges(count).map((hashes) => ({ ...allKeys, hashes })))
}

/** One for each master at least, with the slots that are its own now; of a master's slots ranges of hashes. */
export function clusterPartitions({ nodes }: Topology, count: number): readonly Partition[] {
  const owners = ownersOf(nodes.map(({ slots }) => slots))
  if (count < 2) return [whole]
  return numbered(
    owners.flatMap((slots) => {
      const share = Math.max(1, Math.round((count * sizeOf(slots)) / allSlots))
      return hashRanges(share).map((hashes) => ({ slots, hashes, after: null }))
    }),
  )
}

/** What is left of a range in two halves; in one, if its keys have the same hash. */
export function halvesOf(id: string, range: KeyRange): readonly Partition[] {
  const [lowest, to] = range.hashes
  const from = range.after === null ? lowest : Math.max(lowest, hashKey(range.after))
  if (from >= to) return [{ id: `${id}.1`, bounds: boundsOf(range) }]
  const middle = from + Math.floor((to - from) / 2)
  return [
    { id: `${id}.1`, bounds: boundsOf({ ...range, hashes: [from, middle] }) },
    { id: `${id}.2`, bounds: boundsOf({ ...range, hashes: [middle + 1, to], after: null }) },
  ]
}

const whole: Partition = { id: 'all', bounds: null }

function numbered(ranges: readonly KeyRange[]): readonly Partition[] {
  return ranges.map((range, i) => ({ id: String(i + 1), bounds: boundsOf(range) }))
}

function hashRanges(count: number): (readonly [from: number, to: number])[] {
  const border = (i: number) => Math.floor((i * (highestHash + 1)) / count)
  return Array.from({ length: count }, (_, i) => [border(i), border(i + 1) - 1])
}

/** All slots are somebody's: those of nobody go to the first one, for they may be taken up by somebody. */
function ownersOf(
  slots: readonly (readonly (readonly [number, number])[])[],
): (readonly (readonly [number, number])[])[] {
  const owners = slots.filter((ranges) => ranges.length > 0)
  const taken = owners.flat().sort(([a], [b]) => a - b)
  const free: [number, number][] = []
  let next = 0
  for (const [from, to] of taken) {
    if (from > next) free.push([next, from - 1])
    next = Math.max(next, to + 1)
  }
  if (next < allSlots) free.push([next, allSlots - 1])
  const [first = [], ...others] = owners
  return [[...first, ...free].sort(([a], [b]) => a - b), ...others]
}

function sizeOf(slots: readonly (readonly [number, number])[]): number {
  return slots.reduce((sum, [from, to]) => sum + to - from + 1, 0)
}
