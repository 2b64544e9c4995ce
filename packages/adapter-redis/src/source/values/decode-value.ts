import { decodeJson } from '@drover/core'
import type { Reply } from '../../connection/raw-command.js'
import type { RedisScored, RedisStreamValue } from '../redis-record.js'
import type { StoredKey, StoredStream } from './stored-key.js'

/** How bytes of the store become what records hold. */
export type Decoding = (bytes: Buffer) => string | Uint8Array

export const asText: Decoding = (bytes) => bytes.toString()

/** A copy: the bytes may be a small part of what the network brought. */
export const asBytes: Decoding = (bytes) => new Uint8Array(bytes)

/** The field `value` of a record. */
export function decodeValue({ type, value }: StoredKey, decoding: Decoding): unknown {
  switch (type) {
    case 'string':
      return decoding(value as Buffer)
    case 'hash':
      return decoding === asText
        ? textFields(value as readonly Buffer[])
        : fieldList(value as readonly Buffer[], decoding)
    case 'list':
      return (value as readonly Buffer[]).map(decoding)
    case 'set':
      return (value as readonly Buffer[]).toSorted(Buffer.compare).map(decoding)
    case 'zset':
      return scored(value as readonly Buffer[], decoding)
    case 'stream':
      return decodeStream(value as StoredStream, decoding)
    case 'json':
      return decodeJson(asText(value as Buffer) as string, 'plain')
  }
}

function textFields(fieldsAndValues: readonly Buffer[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let i = 0; i < fieldsAndValues.length; i += 2) {
    const name = (fieldsAndValues[i] as Buffer).toString()
    const value = (fieldsAndValues[i + 1] as Buffer).toString()
    // Assigning to `__proto__` would set the prototype.
    if (name === '__proto__')
      Object.defineProperty(fields, name, { value, configurable: true, enumerable: true, writable: true })
    else fields[name] = value
  }
  return fields
}

function fieldList(fieldsAndValues: readonly Buffer[], decoding: Decoding): unknown[] {
  const fields: unknown[] = []
  for (let i = 0; i < fieldsAndValues.length; i += 2) {
    fields.push({ field: decoding(fieldsAndValues[i] as Buffer), value: decoding(fieldsAndValues[i + 1] as Buffer) })
  }
  return fields
}

function scored(membersAndScores: readonly Buffer[], decoding: Decoding): RedisScored<unknown>[] {
  const members: RedisScored<unknown>[] = []
  for (let i = 0; i < membersAndScores.length; i += 2) {
    members.push({
      member: decoding(membersAndScores[i] as Buffer),
      score: scoreOf((membersAndScores[i + 1] as Buffer).toString('latin1')),
    })
  }
  return members
}

/** A server writes infinite scores as C does. */
function scoreOf(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY
  return text === '-inf' ? Number.NEGATIVE_INFINITY : Number(text)
}

function decodeStream({ entries, info }: StoredStream, decoding: Decoding): RedisStreamValue<unknown> {
  const of = named(info)
  return {
    entries: entries.map((entry) => {
      const [id, fields] = entry as [Buffer, Buffer[]]
      return { id: id.toString('latin1'), fields: pairs(fields, decoding) }
    }),
    lastId: idOf(of.get('last-generated-id')) ?? '0-0',
    maxDeletedId: idOf(of.get('max-deleted-entry-id')),
    entriesAdded: numberOf(of.get('entries-added')),
    groups: ((of.get('groups') ?? []) as Reply[][]).map((group) => decodeGroup(named(group), decoding)),
  }
}

function decodeGroup(of: ReadonlyMap<string, Reply>, decoding: Decoding): RedisStreamValue<unknown>['groups'][number] {
  return {
    name: decoding(of.get('name') as Buffer),
    lastDeliveredId: idOf(of.get('last-delivered-id')) ?? '0-0',
    entriesRead: numberOf(of.get('entries-read')),
    pending: ((of.get('pel') ?? of.get('pending') ?? []) as [Buffer, Buffer, number, number][]).map(
      ([id, consumer, deliveredAt, deliveries]) => ({
        id: id.toString('latin1'),
        consumer: decoding(consumer),
        deliveredAt,
        deliveries,
      }),
    ),
    consumers: ((of.get('consumers') ?? []) as Reply[][]).map((consumer) =>
      decoding(named(consumer).get('name') as Buffer),
    ),
  }
}

function pairs(flat: readonly Buffer[], decoding: Decoding): [unknown, unknown][] {
  const all: [unknown, unknown][] = []
  for (let i = 0; i < flat.length; i += 2) all.push([decoding(flat[i] as Buffer), decoding(flat[i + 1] as Buffer)])
  return all
}

/** Names and values in turn, as a map. */
export function named(flat: readonly Reply[]): ReadonlyMap<string, Reply> {
  const all = new Map<string, Reply>()
  for (let i = 0; i < flat.length; i += 2) all.set(String(flat[i]), flat[i + 1] as Reply)
  return all
}

function idOf(reply: Reply | undefined): string | null {
  return Buffer.isBuffer(reply) ? reply.toString('latin1') : null
}

function numberOf(reply: Reply | undefined): number | null {
  return typeof reply === 'number' ? reply : null
}
