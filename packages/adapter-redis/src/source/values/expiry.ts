import type { Reply } from '../../connection/raw-command.js'
import type { CommandLine } from '../../connection/redis-node.js'

// PEXPIRETIME came with Redis 7.0. Before, the server's clock and the time that is left give the same, if they are of the same millisecond.

/** Lua: a function `expiry(key)` that gives the milliseconds since 1970-01-01, -1 without an expiry, -2 without a key. */
export function expiryFunction(version: readonly number[]): string {
  if (knowsExpireTime(version)) return "local function expiry(key) return redis.call('PEXPIRETIME', key) end"
  return `local function now()
  local clock = redis.call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end
local function expiry(key)
  local left = redis.call('PTTL', key)
  if left < 0 then return left end
  local before, after = 0, now()
  while before ~= after do
    before = after
    left = redis.call('PTTL', key)
    after = now()
  end
  return after + left
end`
}

/** Commands that ask the same of one key. Older servers are asked twice: a millisecond may end within one of the pairs, hardly within both. */
export function expiryCommands(version: readonly number[], key: Buffer): CommandLine[] {
  return knowsExpireTime(version) ? [['PEXPIRETIME', key]] : [['TIME'], ['PTTL', key], ['TIME'], ['PTTL', key]]
}

/** What they answered. */
export function expiryOf(version: readonly number[], replies: readonly Reply[]): number {
  if (knowsExpireTime(version)) return replies[0] as number
  const [earlier, had, later, left] = replies as [Buffer[], number, Buffer[], number]
  if (left < 0) return left
  // A millisecond that ends between the clock and what is left makes the sum smaller.
  return Math.max(had < 0 ? had : millisecondsOf(earlier) + had, millisecondsOf(later) + left)
}

/** How many commands ask for one key. */
export function expiryCount(version: readonly number[]): number {
  return knowsExpireTime(version) ? 1 : 4
}

function millisecondsOf(clock: readonly Buffer[]): number {
  const [seconds = 0, micros = 0] = clock.map((part) => Number(part.toString('latin1')))
  return seconds * 1000 + Math.floor(micros / 1000)
}

function knowsExpireTime([major = 0]: readonly number[]): boolean {
  return major >= 7
}
