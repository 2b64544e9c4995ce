import { script } from '../connection/script.js'

/** Milliseconds since 1970 by the server's clock. What follows replicates by its effects: https://redis.io/docs/latest/develop/programmability/eval-intro/ */
const nowLua = `
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function whole(number) return string.format('%.0f', number) end
`

/**
 * A server that is full refuses what takes memory as long as a script has written nothing. What begins with a command that takes none goes
 * on: who writes elsewhere keeps his lease, operators are heard, and how an attempt ended is noted.
 */
const evenIfFull = `redis.call('HDEL', KEYS[1], '')`

/**
 * Creates a run, unless another one was quicker. KEYS: names, the run, runs of the name. ARGV: name, run, the one that it follows or
 * nothing, fingerprint, partitions. Gives the newest run's id, or nothing if there is none.
 */
export const openScript = script(`${nowLua}
local newest = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if newest ~= ARGV[3] then return newest end
-- What it refuses, it refuses before anything is written.
redis.call('LLEN', KEYS[3])
redis.call('HSET', KEYS[2], 'name', ARGV[1], 'fingerprint', ARGV[4], 'partitions', ARGV[5], 'status', 'open',
  'startedAt', whole(now()), 'control:state', '"run"')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('RPUSH', KEYS[3], ARGV[2])
return ARGV[2]
`)

/**
 * Grants a lease, or says who has it. KEYS: the run. ARGV: partition, holder, for how many milliseconds, a holder that is known to be gone.
 *
 * A fence is never below the clock: one that a server granted and lost again, as after a failover, is not granted a second time.
 */
export const acquireScript = script(`${nowLua}
if redis.call('HEXISTS', KEYS[1], 'name') == 0 then return {'unknown'} end
local id, at = ARGV[1], now()
local found = redis.call('HMGET', KEYS[1], 'holder:' .. id, 'expires:' .. id, 'fence:' .. id, 'position:' .. id)
local holder, expires = found[1], tonumber(found[2] or '0') or 0
if holder and holder ~= ARGV[2] and holder ~= ARGV[4] and expires > at then return {'held', holder, whole(expires)} end
local last = tonumber(found[3] or '0')
if not last then return {'unreadable'} end
local fence, till = whole(math.max(last + 1, at)), whole(at + tonumber(ARGV[3]))
redis.call('HDEL', KEYS[1], 'telling:' .. id)
redis.call('HSET', KEYS[1], 'fence:' .. id, fence, 'holder:' .. id, ARGV[2], 'expires:' .. id, till)
return {'taken', fence, till, found[4]}
`)

/** KEYS: the run. ARGV: partition, fence, holder, for how many milliseconds, what it tells or nothing, then fields whose values are given. */
export const heartbeatScript = script(`${nowLua}
local id = ARGV[1]
local found = redis.call('HMGET', KEYS[1], 'holder:' .. id, 'fence:' .. id)
if found[1] ~= ARGV[3] or found[2] ~= ARGV[2] then
  return {redis.call('HEXISTS', KEYS[1], 'name') == 1 and 'lost' or 'gone', found[1]}
end
${evenIfFull}
redis.call('HSET', KEYS[1], 'expires:' .. id, whole(now() + tonumber(ARGV[4])))
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'telling:' .. id, ARGV[5]) end
return {'held', unpack(redis.call('HMGET', KEYS[1], unpack(ARGV, 6)))}
`)

/** KEYS: the run. ARGV: partition, fence, holder. */
export const releaseScript = script(`
local id = ARGV[1]
local found = redis.call('HMGET', KEYS[1], 'holder:' .. id, 'fence:' .. id)
if found[1] ~= ARGV[3] or found[2] ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], 'holder:' .. id, 'expires:' .. id, 'telling:' .. id)
`)

/** KEYS: the run. ARGV: 1 if the reason for what is asked is over, then fields and their values. Gives 0 if there is no such run. */
export const controlScript = script(`
if redis.call('HEXISTS', KEYS[1], 'name') == 0 then return 0 end
${evenIfFull}
if ARGV[1] == '1' then redis.call('HDEL', KEYS[1], 'control:reason') end
if #ARGV > 1 then redis.call('HSET', KEYS[1], unpack(ARGV, 2)) end
return 1
`)

/** KEYS: the run. ARGV: outcome, settlement. What was asked for is done: the next attempt is not to stop at once. Gives 0 if there is no such run. */
export const settleScript = script(`${nowLua}
if redis.call('HEXISTS', KEYS[1], 'name') == 0 then return 0 end
${evenIfFull}
if redis.call('HGET', KEYS[1], 'control:state') == '"stop"' then
  redis.call('HDEL', KEYS[1], 'control:reason')
  redis.call('HSET', KEYS[1], 'control:state', '"run"')
end
if redis.call('HGET', KEYS[1], 'status') == 'completed' then return 1 end
redis.call('HSET', KEYS[1], 'outcome', ARGV[2])
if ARGV[1] == 'completed' then redis.call('HSET', KEYS[1], 'status', 'completed', 'completedAt', whole(now())) end
return 1
`)
