import type { CommandLine, Reply } from '@drover/adapter-redis'
import type { JsonValue, Operation } from '@drover/core'
import type { MessageRecord } from '../../records/message-record.js'
import { readStoredMessage } from '../langchain/message-json.js'
import { Chunks } from './chunks.js'
import { expiringMessageSchema, expiryOf } from './expiring-messages.js'
import type { After, Entry, Notes, Reading, Unit } from './reading.js'
import type { RedisReader } from './redis-reader.js'

/** Messages that are asked for at once. */
const partMessages = 256

/**
 * Lists of RedisChatMessageHistory of langchain-community: `message_store:<session>`, the newest message at index 0. They are read from their
 * end, whose places do not move when messages are added.
 */
export function listReading(keyPrefix = 'message_store:'): Reading<MessageRecord> {
  return {
    schema: expiringMessageSchema({ kind: 'int', bits: 64 }),
    sought: `lists that begin with ${JSON.stringify(keyPrefix)}`,
    units: async (reader, operation) =>
      (await reader.keys(keyPrefix, 'list', operation)).map((key) => ({ name: key, keys: [key] })),
    count: async (reader, units, operation) => {
      const lengths = await reader.ask(
        units.map(({ name }): CommandLine => ['LLEN', name]),
        operation,
      )
      return { value: lengths.reduce<number>((sum, length) => sum + Number(length ?? 0), 0), exact: true }
    },
    entries: async function* (reader, units, after, notes, operation) {
      const chunks = new Chunks(units)
      for (let some = chunks.next(); some.length > 0; some = chunks.next()) {
        const first = await firstParts(reader, some, after, operation)
        chunks.was(first.reduce((sum, { items }) => sum + items.reduce((size, item) => size + item.length, 0), 0))
        for (const part of first) yield* listEntries(reader, part, keyPrefix, notes, operation)
      }
    },
  }
}

/** What is read of a list at once. */
interface Part {
  readonly key: string
  readonly expires_at: string | null
  /** Place of the first of them, from the oldest message on. */
  readonly order: number
  /** Messages that the list had. */
  readonly length: number
  /** The newest one first. */
  readonly items: readonly Buffer[]
}

async function firstParts(
  reader: RedisReader,
  units: readonly Unit[],
  after: After | null,
  operation: Operation,
): Promise<readonly Part[]> {
  const begins = units.map(({ name }) => (after?.unit === name ? Number(after.place) + 1 : 0))
  const left = await reader.timesToLive(
    units.map(({ name }) => name),
    operation,
  )
  const parts = await reader.ask(
    units.map(({ name }, i) => rangeOf(name, begins[i] ?? 0)),
    operation,
  )
  const lengths = await reader.ask(
    units.map(({ name }): CommandLine => ['LLEN', name]),
    operation,
  )
  return units.map(({ name }, i) => ({
    key: name,
    length: Number(lengths[i] ?? 0),
    expires_at: expiryOf(left[i] ?? -1),
    order: begins[i] ?? 0,
    items: itemsOf(parts[i]),
  }))
}

async function* listEntries(
  reader: RedisReader,
  { key, expires_at, order: begin, length, items: first }: Part,
  keyPrefix: string,
  notes: Notes,
  operation: Operation,
): AsyncGenerator<Entry<MessageRecord>> {
  const session_id = key.slice(keyPrefix.length)
  if (first.length === 0 && begin === 0) notes.gone++
  let order = begin
  let items = first
  for (;;) {
    for (const item of items.toReversed()) {
      const place = order++
      yield entryOf(item, { unit: key, place, key: [session_id, place], bytes: item.length }, (text) => ({
        ...readStoredMessage(text, { session_id, order: place, created_at: null }),
        expires_at,
      }))
    }
    const [last] = items
    if (last === undefined || items.length < partMessages) break
    // With the last one that was read: where it stands somewhere else, the list has lost some since, and places are others.
    const [next] = await reader.ask([rangeOf(key, order - 1, partMessages + 1)], operation)
    const [known, ...rest] = itemsOf(next).toReversed()
    if (known?.equals(last) !== true) {
      notes.shortened++
      return
    }
    items = rest.toReversed()
  }
  if (order < length) notes.shortened++
}

/** Places from the end: -1 is the oldest message. */
function rangeOf(key: string, order: number, count = partMessages): CommandLine {
  return ['LRANGE', key, -(order + count), -(order + 1)]
}

/** What a message comes to, be it one or not. */
export function entryOf(
  item: Buffer,
  at: { readonly unit: string; readonly place: JsonValue; readonly key: readonly JsonValue[]; readonly bytes: number },
  read: (text: string) => MessageRecord,
): Entry<MessageRecord> {
  try {
    return { ...at, record: read(item.toString()) }
  } catch (error) {
    return { ...at, error, raw: new Uint8Array(item) }
  }
}

function itemsOf(reply: Reply | undefined): Buffer[] {
  return Array.isArray(reply) ? (reply as Buffer[]) : []
}
