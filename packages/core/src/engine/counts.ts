import type { Counts } from '../contracts/position.js'

export const noCounts: Counts = {
  read: 0,
  written: 0,
  filtered: 0,
  rejected: 0,
  emitted: 0,
  inserted: 0,
  updated: 0,
  skipped: 0,
}

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    read: a.read + b.read,
    written: a.written + b.written,
    filtered: a.filtered + b.filtered,
    rejected: a.rejected + b.rejected,
    emitted: a.emitted + b.emitted,
    inserted: a.inserted + b.inserted,
    updated: a.updated + b.updated,
    skipped: a.skipped + b.skipped,
  }
}

export function subtractCounts(from: Counts, counts: Counts): Counts {
  return {
    read: from.read - counts.read,
    written: from.written - counts.written,
    filtered: from.filtered - counts.filtered,
    rejected: from.rejected - counts.rejected,
    emitted: from.emitted - counts.emitted,
    inserted: from.inserted - counts.inserted,
    updated: from.updated - counts.updated,
    skipped: from.skipped - counts.skipped,
  }
}

export function sumCounts(all: Iterable<Counts>): Counts {
  let sum = noCounts
  for (const counts of all) sum = addCounts(sum, counts)
  return sum
}
