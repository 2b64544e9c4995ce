import { DroverError, decodeJson, formatInstant, type Operation } from '@drover/core'
import type { MessageRecord } from '../../records/message-record.js'
import { messageOf } from '../langchain/message-json.js'
import { Chunks } from './chunks.js'
import { expiringMessageSchema, expiryOf } from './expiring-messages.js'
import { entryOf } from './list-reading.js'
import type { After, Entry, Notes, Reading, Unit } from './reading.js'
import type { RedisReader } from './redis-reader.js'
import { isObject } from './stored-document.js'

/** Characters of a session that are kept while its messages are put in order. */
const mostKept = 8 * 1024 * 1024

/**
 * Documents of RedisChatMessageHistory of langchain-redis: `chat:<session>:<ULID>`, one for each message. The library reads them by their
 * timestamps, so all of a session is looked at before its first message is given.
 */
export function chatReading(keyPrefix = 'chat:'): Reading<MessageRecord> {
  return {
    schema: expiringMessageSchema({ kind: 'text' }),
    sought: `documents that begin with ${JSON.stringify(keyPrefix)}`,
    units: async (reader, operation) => unitsOf(await reader.keys(keyPrefix, 'document', operation), keyPrefix),
    count: async (_, units) => ({ value: units.reduce((sum, { keys }) => sum + keys.length, 0), exact: true }),
    entries: async function* (reader, units, after, notes, operation) {
      for (const unit of units) yield* sessionEntries(reader, unit, keyPrefix, after, notes, operation)
    },
  }
}

/** A session may have separators in it: what stands behind the last one is the message's id. */
function unitsOf(keys: readonly string[], keyPrefix: string): readonly Unit[] {
  const sessions = new Map<string, string[]>()
  for (const key of keys) {
    const end = key.lastIndexOf(':')
    if (end < keyPrefix.length) continue
    const session = key.slice(keyPrefix.length, end)
    const own = sessions.get(session)
    if (own === undefined) sessions.set(session, [key])
    else own.push(key)
  }
  return [...sessions].map(([name, own]) => ({ name, keys: own })).sort((a, b) => (a.name < b.name ? -1 : 1))
}

interface Place {
  readonly id: string
  readonly timestamp: number
}

async function* sessionEntries(
  reader: RedisReader,
  unit: Unit,
  keyPrefix: string,
  after: After | null,
  notes: Notes,
  operation: Operation,
): AsyncGenerator<Entry<MessageRecord>> {
  const session_id = unit.name
  const behind = after?.unit === session_id ? (after.place as readonly [number, string]) : null
  const keyOf = (id: string) => `${keyPrefix}${session_id}:${id}`
  const { places, texts } = await placesOf(reader, unit, keyOf, notes, operation)
  const left = places
    .filter((place) => behind === null || compare(place, { timestamp: behind[0], id: behind[1] }) > 0)
    .sort(compare)
  const chunks = new Chunks(left)
  for (let some = chunks.next(); some.length > 0; some = chunks.next()) {
    const keys = some.map(({ id }) => keyOf(id))
    const documents = texts === null ? await reader.documents(keys, operation) : some.map(({ id }) => texts.get(id))
    const expiries = await reader.timesToLive(keys, operation)
    chunks.was(documents.reduce((sum, text) => sum + (text?.length ?? 0), 0))
    for (const [i, { id, timestamp }] of some.entries()) {
      const text = documents[i] ?? null
      if (text === null) {
        notes.gone++
        continue
      }
      const raw = Buffer.from(text)
      const at = { unit: session_id, place: [timestamp, id], key: [session_id, id], bytes: raw.length }
      yield entryOf(raw, at, () => ({ ...messageIn(text, session_id, id), expires_at: expiryOf(expiries[i] ?? -1) }))
    }
  }
}

/**
 * Where the messages of a session stand, which only they themselves say. Those of a short one are kept meanwhile; of a long one they are read once
 * more in their order, so that no more is in memory than a part of them.
 */
async function placesOf(
  reader: RedisReader,
  { keys }: Unit,
  keyOf: (id: string) => string,
  notes: Notes,
  operation: Operation,
): Promise<{ readonly places: readonly Place[]; readonly texts: ReadonlyMap<string, string> | null }> {
  const places: Place[] = []
  let texts: Map<string, string> | null = new Map()
  let bytes = 0
  const chunks = new Chunks(keys)
  for (let some = chunks.next(); some.length > 0; some = chunks.next()) {
    const found = await reader.documents(some, operation)
    let size = 0
    for (const [i, text] of found.entries()) {
      if (text === null) {
        notes.gone++
        continue
      }
      const timestamp = timestampIn(text)
      if (timestamp === null) {
        notes.others++
        continue
      }
      const id = (some[i] as string).slice(keyOf('').length)
      places.push({ id, timestamp })
      texts?.set(id, text)
      size += text.length
    }
    chunks.was(size)
    bytes += size
    if (bytes > mostKept) texts = null
  }
  return { places, texts }
}

/** Null for a document of something else, which an application may call like a message; 0 for a message that is malformed: it is rejected. */
function timestampIn(text: string): number | null {
  try {
    const document: unknown = JSON.parse(text)
    if (!isObject(document)) return 0
    const { timestamp } = document
    if (typeof timestamp === 'number') return timestamp
    return ['session_id', 'type', 'data'].some((name) => name in document) ? 0 : null
  } catch {
    return 0
  }
}

function messageIn(text: string, session_id: string, order: string): MessageRecord {
  const document = decodeJson(text, 'plain') as { readonly timestamp?: unknown; readonly session_id?: unknown } | null
  const { timestamp, session_id: said } = document ?? {}
  const created_at = typeof timestamp === 'number' ? instantOf(timestamp) : null
  if (said !== undefined && said !== session_id) {
    throw new DroverError(
      'RECORD_UNREADABLE',
      `Message ${order} is called one of session ${JSON.stringify(session_id)}, and says it is one of ${JSON.stringify(said)}.`,
    )
  }
  return messageOf(document, { session_id, order, created_at })
}

/** Seconds since 1970 as Python's `datetime.timestamp()` gives them, to the microsecond. */
function instantOf(seconds: number): string {
  const whole = Math.floor(seconds)
  const micros = Math.round((seconds - whole) * 1e6)
  return formatInstant({ seconds: whole + (micros === 1e6 ? 1 : 0), nanos: (micros % 1e6) * 1000 }, 6)
}

function compare(a: Place, b: Place): number {
  return a.timestamp - b.timestamp || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
