import { isUtf8 } from 'node:buffer'
import type { Reply } from '../../connection/raw-command.js'
import type { StoredKey, StoredStream } from './stored-key.js'

/** Bytes that are no UTF-8, and what they are. */
export interface InvalidUtf8 {
  /** As a subject of a sentence: `its key`. */
  readonly what: string
  readonly bytes: Buffer
}

/** The first text of a key that is none. */
export function invalidUtf8({ key, type, value }: StoredKey): InvalidUtf8 | undefined {
  if (!isUtf8(key)) return { what: 'its name', bytes: key }
  switch (type) {
    case 'string':
    case 'json':
      return isUtf8(value as Buffer) ? undefined : { what: 'its value', bytes: value as Buffer }
    case 'hash':
      return amongPairs(value as readonly Buffer[])
    case 'list':
    case 'set':
      return among(value as readonly Buffer[], (place) => (type === 'list' ? `item ${place}` : 'a member'))
    case 'zset':
      return among(value as readonly Buffer[], () => 'a member')
    case 'stream':
      return inStream(value as StoredStream)
  }
}

function among(all: readonly Buffer[], what: (place: number) => string): InvalidUtf8 | undefined {
  const place = all.findIndex((bytes) => !isUtf8(bytes))
  return place < 0 ? undefined : { what: what(place), bytes: all[place] as Buffer }
}

function amongPairs(flat: readonly Buffer[]): InvalidUtf8 | undefined {
  return among(flat, (place) =>
    place % 2 === 0 ? 'the name of a field' : `the value of field ${JSON.stringify(String(flat[place - 1]))}`,
  )
}

function inStream({ entries, info }: StoredStream): InvalidUtf8 | undefined {
  for (const entry of entries) {
    const [id, fields] = entry as [Buffer, Buffer[]]
    const found = amongPairs(fields)
    if (found !== undefined) return { ...found, what: `${found.what} in entry ${String(id)}` }
  }
  return inReply(info)
}

/** What is no name of a group or consumer there is ASCII. */
function inReply(reply: readonly Reply[]): InvalidUtf8 | undefined {
  for (const part of reply) {
    if (Buffer.isBuffer(part) && !isUtf8(part)) return { what: 'the name of a group or consumer', bytes: part }
    const found = Array.isArray(part) ? inReply(part) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
