import type { Reply } from '../../connection/raw-command.js'
import type { RedisNode } from '../../connection/redis-node.js'
import type { RedisType } from '../redis-record.js'
import { EncodedCommand } from './encoded-command.js'
import { expiryFunction } from './expiry.js'
import { notThere, type Sighting, storedValue } from './sighting.js'
import { nameOfType, typeByName } from './type-names.js'

/** What is read of each key, and how much of all of them. */
export interface Portion {
  readonly types: readonly RedisType[]
  /** A value that takes more than this is left out. */
  readonly largest: number
  /** It ends before the key with which there would be more. */
  readonly bytes: number
}

/**
 * Reads keys by a script: one answer for all of them, so that type, value and expiry of a key are of the same moment, and the
 * client has a command to make and an answer to take instead of several for each key. It writes nothing.
 *
 * @returns as many sightings as fit, one at least
 */
export async function readByScript(
  node: RedisNode,
  version: readonly number[],
  keys: readonly Buffer[],
  { types, largest, bytes }: Portion,
): Promise<readonly Sighting[] | Error> {
  const limits = [String(largest), String(bytes)]
  const command = new EncodedCommand(['EVAL', scriptFor(version), String(keys.length)], keys, [
    ...limits,
    ...types.map(nameOfType),
  ])
  const [reply] = (await node.sendAll('reading keys', [command])) as [Reply[] | Error]
  return reply instanceof Error ? reply : sightings(reply)
}

const parts = 4

function sightings(reply: readonly Reply[]): readonly Sighting[] {
  const seen: Sighting[] = []
  for (let i = 0; i < reply.length; i += parts) {
    const name = nameOf(reply[i] as Buffer)
    const value = reply[i + 3] as Reply
    seen.push(
      name === 'none'
        ? notThere
        : {
            name,
            expiresAt: reply[i + 1] as number,
            size: reply[i + 2] as number,
            value: value === null ? null : storedValue(value, typeByName.get(name) as RedisType),
          },
    )
  }
  return seen
}

/** Names that were seen, by their first two bytes and length: a text need not be made each time. */
function nameOf(bytes: Buffer): string {
  if (bytes.length === 4) {
    if (bytes[0] === 0x68 && bytes[1] === 0x61) return 'hash'
    if (bytes[0] === 0x7a && bytes[1] === 0x73) return 'zset'
  }
  return bytes.toString('latin1')
}

const scripts = new Map<string, string>()

function scriptFor(version: readonly number[]): string {
  const expiry = expiryFunction(version)
  const known = scripts.get(expiry)
  if (known !== undefined) return known
  const made = `${expiry}\n${reading}`
  scripts.set(expiry, made)
  return made
}

/** MEMORY USAGE tells what a value takes without going through it. Of what is not wanted, only the type is told. */
const reading = `
local call = redis.call
local largest, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted = {}
for i = 3, #ARGV do wanted[ARGV[i]] = true end
local read = {
  string = function(key) return call('GET', key) end,
  hash = function(key) return call('HGETALL', key) end,
  list = function(key) return call('LRANGE', key, 0, -1) end,
  set = function(key) return call('SMEMBERS', key) end,
  zset = function(key) return call('ZRANGE', key, 0, -1, 'WITHSCORES') end,
  stream = function(key) return call('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0) end,
  ['ReJSON-RL'] = function(key) return call('JSON.GET', key, '.') end,
}
local out, n, sum = {}, 0, 0
for i = 1, #KEYS do
  local key = KEYS[i]
  local name = call('TYPE', key).ok
  local size, value, expires = 0, false, -2
  if name ~= 'none' then
    size = name == 'string' and call('STRLEN', key) or call('MEMORY', 'USAGE', key) or 0
    if wanted[name] and size <= largest then
      if n > 0 and sum + size > most then break end
      sum = sum + size
      value = read[name](key)
    end
    expires = expiry(key)
  end
  out[n + 1], out[n + 2], out[n + 3], out[n + 4] = name, expires, size, value
  n = n + 4
end
return out`
