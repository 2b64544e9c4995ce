import type { JsonValue, Operation } from '@drover/core'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import { statusOf } from '../errors/qdrant-error.js'
import type { PointId } from '../wire/wire-point.js'
import { bitsOf, comparePointIds, firstUuid, narrowed, uuidOf } from './point-order.js'
import { narrowedRange, type PointRange } from './point-range.js'

/** Where ranges are looked at. */
export interface Looking {
  readonly connection: QdrantConnection
  readonly collection: string
  readonly filter: JsonValue | undefined
  readonly mostPoints?: number | undefined
}

/** Ids for one border between two partitions: their sizes then differ by a tenth or two. */
const samplesEach = 100
const mostSamples = 5_000
/** Looks for the last id of a range, once it is known how far it is: to a thousandth of that. */
const mostLooks = 10

/** About so many ranges that together hold all that `range` does, each with about as many points. */
export async function cutRange(
  range: PointRange,
  count: number,
  looking: Looking,
  operation: Operation,
): Promise<PointRange[]> {
  if (count < 2) return [range]
  const sample = await sampled(range, count, looking, operation)
  const borders = sample === null ? await evenBorders(range, count, looking, operation) : quantiles(sample, count)
  return cutAt(range, borders)
}

/** Ids from all over the collection; null where the server gives no samples (before 1.11). */
async function sampled(
  range: PointRange,
  count: number,
  { connection, collection, filter, mostPoints = mostSamples }: Looking,
  { signal }: Operation,
): Promise<readonly PointId[] | null> {
  const body = {
    query: { sample: 'random' },
    limit: Math.min(count * samplesEach, mostSamples, mostPoints),
    with_payload: false,
    ...(filter === undefined ? {} : { filter }),
    ...(range.shard === null ? {} : { shard_key: range.shard }),
  }
  const doing = `looking for ids all over collection "${collection}"`
  try {
    const path = `/collections/${encodeURIComponent(collection)}/points/query`
    const { points } = (await connection.request('POST', path, body, { signal, doing })) as {
      readonly points: readonly { readonly id: PointId }[]
    }
    return [...new Set(points.map(({ id }) => id))]
  } catch (error) {
    const status = statusOf(error)
    if (status === 400 || status === 404 || status === 422) return null
    throw error
  }
}

function quantiles(sample: readonly PointId[], count: number): PointId[] {
  const ids = sample.toSorted(comparePointIds)
  return Array.from({ length: count - 1 }, (_, i) => ids[Math.floor(((i + 1) * ids.length) / count)]).filter(
    (id) => id !== undefined,
  )
}

/** Borders that cut the stretch between the first id and the last one into parts as long as each other. */
export async function evenBorders(
  range: PointRange,
  count: number,
  looking: Looking,
  operation: Operation,
): Promise<PointId[]> {
  const numbers = narrowedRange(range, { from: null, to: firstUuid })
  const uuids = narrowedRange(range, { from: firstUuid, to: null })
  const parts = [
    numbers && (await ends(numbers, looking, operation)),
    uuids && (await ends(uuids, looking, operation)),
  ].filter((part) => part !== null)
  const [one, other] = parts
  if (one === undefined) return []
  if (other === undefined) return spread(one.first, one.last, count)
  const [fewer, more] = [Math.max(1, Math.floor(count / 2)), Math.max(1, Math.ceil(count / 2))]
  return [...spread(one.first, one.last, fewer), other.first, ...spread(other.first, other.last, more)]
}

/** The first id of a range of numbers or of UUIDs, and about the last one; null if it is empty. */
async function ends(
  range: PointRange,
  looking: Looking,
  operation: Operation,
): Promise<{ readonly first: PointId; readonly last: PointId } | null> {
  const first = await firstIn(range, looking, operation)
  if (first === null) return null
  const isUuid = typeof first === 'string'
  const idAt = isUuid ? uuidOf : narrowed
  const bits = isUuid ? 128 : 64
  const begin = placeOf(first)
  let least = begin
  let end = range.to === null || (!isUuid && range.to === firstUuid) ? 2n ** BigInt(bits) : placeOf(range.to)
  const look = async (at: bigint): Promise<boolean> => {
    const found = at < end ? await firstIn({ ...range, from: idAt(at) }, looking, operation) : null
    if (found === null) end = at < end ? at : end
    else least = placeOf(found)
    return found !== null
  }
  // How far it is, by powers of two: ids that are counted up, or made by time, stand close together at the beginning of all that there could be.
  for (let [near, far] = [0, bits]; far - near > 1; ) {
    const middle = (near + far) >> 1
    if (await look(begin + 2n ** BigInt(middle))) near = middle
    else far = middle
  }
  for (let looks = 0; looks < mostLooks && end - least > 1n; looks++) await look((least + end) / 2n)
  return { first, last: idAt(least) }
}

async function firstIn(
  range: PointRange,
  { connection, collection, filter }: Looking,
  { signal }: Operation,
): Promise<PointId | null> {
  const { ids } = await connection.scroll(collection, {
    signal,
    filter,
    offset: range.from ?? undefined,
    limit: 1,
    withPayload: false,
    withVector: false,
    shardKey: range.shard ?? undefined,
  })
  const [id] = ids
  return id === undefined || (range.to !== null && comparePointIds(id, range.to) >= 0) ? null : id
}

function spread(first: PointId, last: PointId, count: number): PointId[] {
  const idAt = typeof first === 'string' ? uuidOf : narrowed
  const [from, to] = [placeOf(first), placeOf(last) + 1n]
  return Array.from({ length: count - 1 }, (_, i) => idAt(from + ((to - from) * BigInt(i + 1)) / BigInt(count)))
}

function placeOf(id: PointId): bigint {
  return typeof id === 'string' ? bitsOf(id) : BigInt(id)
}

/** The parts of a range between borders; those that are not in it, or come twice, cut nothing. */
function cutAt(range: PointRange, borders: readonly PointId[]): PointRange[] {
  const parts: PointRange[] = []
  let rest = range
  for (const border of borders.toSorted(comparePointIds)) {
    const part = narrowedRange(rest, { from: null, to: border })
    const behind = narrowedRange(rest, { from: border, to: null })
    if (part === null || behind === null || border === 0) continue
    parts.push(part)
    rest = behind
  }
  return [...parts, rest]
}

/** Two ranges that together hold what is left of one; the one alone if it has not two points. */
export async function halveRange(range: PointRange, looking: Looking, operation: Operation): Promise<PointRange[]> {
  const borders = await evenBorders(range, 2, looking, operation)
  return cutAt(range, borders)
}
