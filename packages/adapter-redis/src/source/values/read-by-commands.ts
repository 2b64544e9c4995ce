import type { Reply } from '../../connection/raw-command.js'
import type { RedisConnection } from '../../connection/redis-connection.js'
import type { CommandLine } from '../../connection/redis-node.js'
import { answerCode } from '../../errors/redis-error.js'
import type { RedisType } from '../redis-record.js'
import { expiryCommands, expiryCount, expiryOf } from './expiry.js'
import type { Portion } from './read-by-script.js'
import { notThere, type Sighting, storedValue } from './sighting.js'
import { typeByName } from './type-names.js'

/** What a key is read with, and what becomes of the server's errors. */
export interface CommandReading {
  readonly connection: RedisConnection
  readonly failure: (error: Error, key: Buffer) => Error
}

/** A key that becomes another type each time it is looked at is not waited for. */
const mostAttempts = 3

/**
 * Reads keys by commands of their own: in a cluster, where keys that are read together lie on several nodes, and where scripts are denied. Value
 * and expiry are asked for in one go, but somebody may come between.
 *
 * @returns as many sightings as fit, one at least
 */
export async function readByCommands(
  reading: CommandReading,
  keys: readonly Buffer[],
  portion: Portion,
  attempt = 1,
): Promise<readonly Sighting[]> {
  const { connection, failure } = reading
  const { version } = connection.server
  const found = await typesAndSizes(reading, keys)
  const { asked, end } = chosen(found, portion)
  const replies = await connection.pipeline(
    'reading keys',
    asked.flatMap((place) => {
      const key = keys[place] as Buffer
      const type = typeByName.get((found[place] as Sighting).name) as RedisType
      return [valueCommand(key, type), ...expiryCommands(version, key)].map((command) => ({ key, command }))
    }),
  )
  const size = 1 + expiryCount(version)
  for (const [i, place] of asked.entries()) {
    const key = keys[place] as Buffer
    const sighting = found[place] as Sighting
    const [value, ...expiry] = replies.slice(i * size, (i + 1) * size) as [Reply, ...Reply[]]
    const failed = [value, ...expiry].find((reply) => reply instanceof Error)
    if (failed instanceof Error) {
      if (answerCode(failed) !== 'WRONGTYPE' || attempt === mostAttempts) throw failure(failed, key)
      const [again = notThere] = await readByCommands(reading, [key], portion, attempt + 1)
      found[place] = again
      continue
    }
    const stored = storedValue(value, typeByName.get(sighting.name) as RedisType)
    const expiresAt = expiryOf(version, expiry)
    found[place] = stored === null || expiresAt === -2 ? notThere : { ...sighting, value: stored, expiresAt }
  }
  return found.slice(0, end)
}

async function typesAndSizes({ connection, failure }: CommandReading, keys: readonly Buffer[]): Promise<Sighting[]> {
  const commands = keys.flatMap((key): { key: Buffer; command: CommandLine }[] => [
    { key, command: ['TYPE', key] },
    { key, command: ['MEMORY', 'USAGE', key] },
  ])
  const replies = await connection.pipeline('asking for the types of keys', commands)
  return keys.map((key, i) => {
    const [name, size] = [replies[i * 2] as Reply, replies[i * 2 + 1] as Reply]
    if (name instanceof Error) throw failure(name, key)
    const text = String(name)
    // Not everybody may ask what a key takes: it is then read as a small one is.
    const known = typeof size === 'number' ? size : 0
    return text === 'none' ? notThere : { name: text, value: null, expiresAt: -1, size: known }
  })
}

/** Whose values are asked for, and the first key that has to wait. */
function chosen(found: readonly Sighting[], { types, largest, bytes }: Portion): { asked: number[]; end: number } {
  const asked: number[] = []
  let sum = 0
  for (const [place, { name, size }] of found.entries()) {
    const type = typeByName.get(name)
    if (type === undefined || !types.includes(type) || size > largest) continue
    if (place > 0 && sum + size > bytes) return { asked, end: place }
    sum += size
    asked.push(place)
  }
  return { asked, end: found.length }
}

/** Reads a value whole. */
export function valueCommand(key: Buffer, type: RedisType): CommandLine {
  switch (type) {
    case 'string':
      return ['GET', key]
    case 'hash':
      return ['HGETALL', key]
    case 'list':
      return ['LRANGE', key, 0, -1]
    case 'set':
      return ['SMEMBERS', key]
    case 'zset':
      return ['ZRANGE', key, 0, -1, 'WITHSCORES']
    case 'stream':
      return ['XINFO', 'STREAM', key, 'FULL', 'COUNT', 0]
    case 'json':
      return ['JSON.GET', key, '.']
  }
}
