import type { Reply } from '../../connection/raw-command.js'
import type { CommandLine } from '../../connection/redis-node.js'

// PEXPIRETIME came with Redis 7.0. Before, the time that is left and the server's clock give the same within a millisecond.

/** Lua: a function `expiry(key)` that gives the milliseconds since 1970-01-01, -1 without an expiry, -2 without a key. */
export function expiryFunction(version: readonly number[]): string {
  if (knowsExpireTime(version)) return "local function expiry(key) return redis.call('PEXPIRETIME', key) end"
  return `local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function expiry(key)
  local left = redis.call('PTTL', key)
  return left < 0 and left or now + left
end`
}

/** Commands that ask the same of one key. */
export function expiryCommands(version: readonly number[], key: Buffer): CommandLine[] {
  return knowsExpireTime(version) ? [['PEXPIRETIME', key]] : [['PTTL', key], ['TIME']]
}

/** What they answered. */
export function expiryOf(version: readonly number[], replies: readonly Reply[]): number {
  const [left, clock] = replies as [number, Buffer[] | undefined]
  if (knowsExpireTime(version) || left < 0) return left
  const [seconds, micros] = (clock as Buffer[]).map((part) => Number(part.toString('latin1'))) as [number, number]
  return seconds * 1000 + Math.floor(micros / 1000) + left
}

/** How many commands ask for one key. */
export function expiryCount(version: readonly number[]): number {
  return knowsExpireTime(version) ? 1 : 2
}

function knowsExpireTime([major = 0]: readonly number[]): boolean {
  return major >= 7
}
