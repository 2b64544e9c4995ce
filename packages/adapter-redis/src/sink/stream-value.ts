import { shownValue, ValueRefused } from '@drover/core'

/** An id of an entry. */
export interface StreamId {
  readonly text: string
  readonly milliseconds: bigint
  readonly sequence: bigint
}

export interface StreamEntry {
  readonly id: StreamId
  /** Names and values in turns. */
  readonly fields: readonly unknown[]
}

export interface StreamGroup {
  readonly name: string | Uint8Array
  readonly lastDeliveredId: StreamId
  readonly entriesRead: number | null
  readonly pending: readonly {
    readonly id: StreamId
    readonly consumer: unknown
    readonly deliveredAt: number
    readonly deliveries: number
  }[]
  readonly consumers: readonly unknown[]
}

/** A stream whose parts are of the types that they are said to be. */
export interface StreamValue {
  readonly entries: readonly StreamEntry[]
  readonly lastId: StreamId | null
  readonly maxDeletedId: StreamId | null
  readonly entriesAdded: number | null
  readonly groups: readonly StreamGroup[]
}

/**
 * Reads a stream as `redisSource` gives it, or a list of entries alone, whose fields may also be an object.
 *
 * @throws ValueRefused
 */
export function readStream(value: unknown): StreamValue {
  const given: Record<string, unknown> = Array.isArray(value) ? { entries: value } : objectOf(value, '')
  const entries = listOf(given.entries, 'entries').map(entryOf)
  entries.forEach(({ id }, i) => {
    const before = entries[i - 1]
    if (before !== undefined && smallerId(before.id, id) >= 0) {
      refuse(id.text, `entries[${i}].id`, `ids that ascend, and it stands behind ${before.id.text}`)
    }
  })
  const groups = given.groups === undefined ? [] : listOf(given.groups, 'groups').map(groupOf)
  const names = new Set<string>()
  groups.forEach(({ name }, i) => {
    const bytes = Buffer.from(name).toString('latin1')
    if (names.has(bytes)) refuse(name, `groups[${i}].name`, 'groups of different names')
    names.add(bytes)
  })
  return {
    entries,
    lastId: idOrNull(given.lastId, 'lastId'),
    maxDeletedId: idOrNull(given.maxDeletedId, 'maxDeletedId'),
    entriesAdded: countOrNull(given.entriesAdded, 'entriesAdded'),
    groups,
  }
}

/** Negative, zero or positive, as in `sort`. */
export function smallerId(a: StreamId, b: StreamId): number {
  const order = a.milliseconds === b.milliseconds ? a.sequence - b.sequence : a.milliseconds - b.milliseconds
  return order < 0n ? -1 : order > 0n ? 1 : 0
}

function entryOf(value: unknown, i: number): StreamEntry {
  const path = `entries[${i}]`
  const { id, fields } = objectOf(value, path)
  const pairs = Array.isArray(fields) ? fields : Object.entries(objectOf(fields, `${path}.fields`))
  const flat = pairs.flatMap((pair: unknown) => {
    if (Array.isArray(pair) && pair.length === 2) return pair
    return refuse(pair, `${path}.fields`, 'pairs of a name and a value')
  })
  if (flat.length === 0) refuse(fields, `${path}.fields`, 'at least one field')
  if (flat.length > mostFields * 2) {
    throw new ValueRefused(
      `a stream whose ${path} has ${flat.length / 2} fields`,
      `A script can add an entry of ${mostFields} at the most: make several of it in a step.`,
    )
  }
  return { id: entryIdOf(id, `${path}.id`), fields: flat }
}

function groupOf(value: unknown, i: number): StreamGroup {
  const path = `groups[${i}]`
  const given = objectOf(value, path)
  return {
    name: textOf(given.name, `${path}.name`),
    lastDeliveredId: idOf(given.lastDeliveredId ?? '0-0', `${path}.lastDeliveredId`),
    entriesRead: countOrNull(given.entriesRead, `${path}.entriesRead`),
    pending: listOf(given.pending ?? [], `${path}.pending`).map((one, k) => {
      const at = `${path}.pending[${k}]`
      const { id, consumer, deliveredAt, deliveries } = objectOf(one, at)
      return {
        id: entryIdOf(id, `${at}.id`),
        consumer: textOf(consumer, `${at}.consumer`),
        deliveredAt: countOrNull(deliveredAt, `${at}.deliveredAt`) ?? 0,
        deliveries: countOrNull(deliveries, `${at}.deliveries`) ?? 1,
      }
    }),
    consumers: listOf(given.consumers ?? [], `${path}.consumers`).map((name, k) =>
      textOf(name, `${path}.consumers[${k}]`),
    ),
  }
}

/** Lua takes about 8,000 values from a table at once (LUAI_MAXCSTACK), and an entry is one command. */
const mostFields = 3_900

const idPattern = /^(\d{1,20})-(\d{1,20})$/
const mostPart = 2n ** 64n - 1n

function idOf(value: unknown, path: string): StreamId {
  const parts = typeof value === 'string' ? idPattern.exec(value) : null
  const [milliseconds, sequence] = [BigInt(parts?.[1] ?? -1), BigInt(parts?.[2] ?? -1)]
  if (parts === null || milliseconds > mostPart || sequence > mostPart) {
    return refuse(value, path, 'an id such as "1526919030474-55"')
  }
  return { text: `${milliseconds}-${sequence}`, milliseconds, sequence }
}

/** No entry has the id 0-0. */
function entryIdOf(value: unknown, path: string): StreamId {
  const id = idOf(value, path)
  return id.milliseconds === 0n && id.sequence === 0n ? refuse(value, path, 'an id above 0-0') : id
}

function idOrNull(value: unknown, path: string): StreamId | null {
  return value === null || value === undefined ? null : idOf(value, path)
}

function countOrNull(value: unknown, path: string): number | null {
  if (value === null || value === undefined) return null
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0
    ? number
    : refuse(value, path, 'a whole number')
}

function textOf(value: unknown, path: string): string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array ? value : refuse(value, path, 'a text')
}

function listOf(value: unknown, path: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(value, path, 'a list')
}

function objectOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  return refuse(value, path, 'an object')
}

function refuse(value: unknown, path: string, expected: string): never {
  throw new ValueRefused(
    `a stream whose ${path === '' ? 'value' : path} is ${value === undefined ? 'not there' : shownValue(value)}`,
    `It takes ${expected}.`,
  )
}
