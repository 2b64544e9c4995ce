import type { Reply } from '../../connection/raw-command.js'
import { isAnswer, type RedisNode } from '../../connection/redis-node.js'
import type { RedisType } from '../redis-record.js'
import { collectionParts } from './collection-parts.js'
import { named } from './decode-value.js'
import { expiryCommands, expiryOf } from './expiry.js'
import { type PrivateNode, tooMuch } from './private-node.js'
import { storedValue } from './sighting.js'
import type { StoredStream, StoredValue } from './stored-key.js'

/** A key that was read in parts. */
export interface Assembled {
  readonly value: StoredValue
  readonly expiresAt: number
  /** It changed each time, and may be a mixture. */
  readonly isUnsteady: boolean
}

export interface PartsReading {
  readonly node: PrivateNode
  readonly version: readonly number[]
  readonly largest: number
}

/** Read so often, it is taken as it is. */
const mostAttempts = 3

/** An answer is longer than what it holds: each member has a line for its length. */
const framing = 4 * 1024 * 1024

/**
 * Reads a large collection in parts: a server that gives it whole does nothing else meanwhile, and holds a copy of it. WATCH tells whether
 * it changed while it was read.
 *
 * @returns null if there is no such key any more; `tooMuch` as soon as there is more than `largest`
 * @throws the server's error, WRONGTYPE if the key became another type
 */
export async function readInParts(
  { node, version, largest }: PartsReading,
  key: Buffer,
  type: RedisType,
): Promise<Assembled | null | typeof tooMuch> {
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === mostAttempts
    const read = await node.within(largest * 2 + framing, (open) => readOnce(open, version, key, type, largest))
    if (read === tooMuch || read === null) return read
    if (read.isSteady || isLast) {
      return { value: read.value, expiresAt: read.expiresAt, isUnsteady: !read.isSteady }
    }
  }
}

interface Once {
  readonly value: StoredValue
  readonly expiresAt: number
  readonly isSteady: boolean
}

async function readOnce(
  node: RedisNode,
  version: readonly number[],
  key: Buffer,
  type: RedisType,
  largest: number,
): Promise<Once | null | typeof tooMuch> {
  await node.call('watching a key', 'WATCH', key)
  const items: Reply[] = []
  let bytes = 0
  let info: readonly Reply[] = []
  try {
    for await (const part of collectionParts(node, key, type)) {
      bytes += part.bytes
      if (bytes > largest) {
        await unwatch(node)
        return tooMuch
      }
      for (const item of part.items) items.push(item)
    }
    if (type === 'stream') info = await streamInfo(node, key)
  } catch (error) {
    if (isAnswer(error)) await unwatch(node)
    throw error
  }
  const asked = expiryCommands(version, key)
  const replies = await node.pipeline('reading a key in parts', [['MULTI'], ...asked, ['EXEC'], ...asked])
  const refused = replies.find((reply) => reply instanceof Error)
  if (refused instanceof Error) throw refused
  const within = replies[asked.length + 1] as Reply[] | null
  const isSteady = within !== null
  const expiresAt = expiryOf(version, within ?? replies.slice(asked.length + 2))
  const value: StoredValue =
    type === 'stream' ? { entries: items, info } : withoutTwins(items as Buffer[], type, isSteady)
  if (expiresAt === -2 || (type !== 'stream' && items.length === 0)) return null
  return { value, expiresAt, isSteady }
}

/** What else there is of a stream. Entries come along, as many as there are pending at most. */
async function streamInfo(node: RedisNode, key: Buffer): Promise<readonly Reply[]> {
  const [groups] = (await node.pipeline('reading the groups of a stream', [['XINFO', 'GROUPS', key]])) as [
    Reply[][] | Error,
  ]
  if (groups instanceof Error) throw groups
  const pending = Math.max(1, ...groups.map((group) => Number(named(group).get('pending') ?? 0)))
  const [full] = (await node.pipeline('reading the groups of a stream', [
    ['XINFO', 'STREAM', key, 'FULL', 'COUNT', pending],
  ])) as [Reply]
  if (full instanceof Error) throw full
  return (storedValue(full, 'stream') as StoredStream).info
}

async function unwatch(node: RedisNode): Promise<void> {
  await node.call('giving up a watch', 'UNWATCH')
}

/** While members of a sorted set change their places, one may come twice. */
function withoutTwins(items: readonly Buffer[], type: RedisType, isSteady: boolean): readonly Buffer[] {
  if (isSteady || type !== 'zset') return items
  const scores = new Map<string, readonly [Buffer, Buffer]>()
  for (let i = 0; i < items.length; i += 2) {
    const pair = [items[i] as Buffer, items[i + 1] as Buffer] as const
    scores.set(pair[0].toString('latin1'), pair)
  }
  return [...scores.values()].flat()
}
