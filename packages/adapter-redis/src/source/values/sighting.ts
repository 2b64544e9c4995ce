import type { Reply } from '../../connection/raw-command.js'
import type { RedisType } from '../redis-record.js'
import type { StoredStream, StoredValue } from './stored-key.js'

/** What was seen of a key at one moment. */
export interface Sighting {
  /** As TYPE says; `none` if there is no such key. */
  readonly name: string
  /** Null if it was not asked for: its type is not read, or it is too large to be read together with others. */
  readonly value: StoredValue | null
  /** Milliseconds since 1970-01-01; -1 if it never expires. */
  readonly expiresAt: number
  /** Bytes of the value as the server estimates them; of strings exactly. */
  readonly size: number
}

export const notThere: Sighting = { name: 'none', value: null, expiresAt: -2, size: 0 }

/** The answer to a command that reads a whole value; null if there is none. */
export function storedValue(reply: Reply, type: RedisType): StoredValue | null {
  if (type === 'string' || type === 'json') return reply as Buffer | null
  if (reply === null) return null
  const parts = reply as Reply[]
  if (type !== 'stream') return parts.length === 0 ? null : (parts as Buffer[])
  const at = parts.findIndex((part) => Buffer.isBuffer(part) && part.equals(entriesName))
  return { entries: (parts[at + 1] ?? []) as Reply[], info: [...parts.slice(0, at), ...parts.slice(at + 2)] }
}

const entriesName = Buffer.from('entries')

/** Bytes that a value holds; a number is counted as one of 64 bits. */
export function bytesOf(value: StoredValue): number {
  if (Buffer.isBuffer(value)) return value.length
  if (isStream(value)) return bytesOfReply(value.entries) + bytesOfReply(value.info)
  let bytes = 0
  for (let i = 0; i < value.length; i++) bytes += (value[i] as Buffer).length
  return bytes
}

function isStream(value: readonly Buffer[] | StoredStream): value is StoredStream {
  return !Array.isArray(value)
}

export function bytesOfReply(reply: Reply | readonly Reply[]): number {
  if (Buffer.isBuffer(reply)) return reply.length
  if (!Array.isArray(reply)) return 8
  let bytes = 0
  for (const part of reply as readonly Reply[]) bytes += bytesOfReply(part)
  return bytes
}
