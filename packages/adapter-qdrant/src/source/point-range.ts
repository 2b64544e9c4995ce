import { type Cursor, DroverError, type JsonValue, type Partition } from '@drover/core'
import type { PointId } from '../wire/wire-point.js'
import { comparePointIds, nextPointId, pointIdJson, storedPointId } from './point-order.js'

/** Points of one shard key, or of a collection without such, whose ids are in a range. */
export interface PointRange {
  readonly shard: string | number | null
  /** The first id; null is the least. */
  readonly from: PointId | null
  /** The first id that is not in it any more; null if it has no end. */
  readonly to: PointId | null
}

export const wholeRange: PointRange = { shard: null, from: null, to: null }

/** In the order in which a collection is read. */
export function compareShards(a: string | number | null, b: string | number | null): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? -1 : 1
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
  return a < b ? -1 : 1
}

/** What both have in common; null if that is nothing. */
export function narrowedRange(range: PointRange, by: Pick<PointRange, 'from' | 'to'>): PointRange | null {
  const from =
    range.from === null || (by.from !== null && comparePointIds(by.from, range.from) > 0) ? by.from : range.from
  const to = range.to === null || (by.to !== null && comparePointIds(by.to, range.to) < 0) ? by.to : range.to
  return from !== null && to !== null && comparePointIds(from, to) >= 0 ? null : { shard: range.shard, from, to }
}

/** The part of a range behind a point that was read; null if nothing can be there. */
export function behindPoint(range: PointRange, id: PointId): PointRange | null {
  const next = nextPointId(id)
  return next === null ? null : narrowedRange(range, { from: next, to: null })
}

/** Where a read stands behind this point. */
export function cursorAt(shard: PointRange['shard'], id: PointId): Cursor {
  return shard === null ? pointIdJson(id) : [shard, pointIdJson(id)]
}

/** What is left of ranges, which are in order, behind a cursor. @throws `STATE_INVALID` */
export function behindCursor(ranges: readonly PointRange[], cursor: Cursor): PointRange[] {
  const [shard, id] = placeOf(cursor)
  return ranges.flatMap((range) => {
    const order = compareShards(range.shard, shard)
    if (order !== 0) return order > 0 ? [range] : []
    return behindPoint(range, id) ?? []
  })
}

/** A range as a partition keeps it. */
export function partitionOf(range: PointRange): Partition {
  const { shard, from, to } = range
  const bounds = {
    ...(shard === null ? {} : { shard }),
    ...(from === null ? {} : { from: pointIdJson(from) }),
    ...(to === null ? {} : { to: pointIdJson(to) }),
  }
  if (Object.keys(bounds).length === 0) return { id: 'all', bounds: null }
  const ids =
    from === null && to === null
      ? ''
      : `${from === null ? '' : pointIdJson(from)}..${to === null ? '' : pointIdJson(to)}`
  return { id: [...(shard === null ? [] : [`${shard}`]), ...(ids === '' ? [] : [ids])].join(' '), bounds }
}

/** The range that a partition keeps; null for the whole collection, whatever shards it has. @throws `STATE_INVALID` */
export function rangeOf({ id, bounds }: Partition): PointRange | null {
  if (bounds === null) return null
  const what = `A bound of partition "${id}"`
  const { shard = null, from = null, to = null, ...others } = isObject(bounds) ? bounds : { bounds }
  if (Object.keys(others).length > 0 || (shard !== null && !isShard(shard))) throw foreign(what)
  return {
    shard,
    from: from === null ? null : storedPointId(from, what),
    to: to === null ? null : storedPointId(to, what),
  }
}

function placeOf(cursor: Cursor): readonly [shard: PointRange['shard'], id: PointId] {
  const what = 'The stored cursor'
  if (!Array.isArray(cursor)) return [null, storedPointId(cursor, what)]
  const [shard, id, ...others]: readonly JsonValue[] = cursor
  if (!isShard(shard) || id === undefined || others.length > 0) throw foreign(what)
  return [shard, storedPointId(id, what)]
}

function isShard(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function isObject(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function foreign(what: string): DroverError {
  return new DroverError('STATE_INVALID', `${what} is none that qdrantSource made. Start the run anew.`)
}
