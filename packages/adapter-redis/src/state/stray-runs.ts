import type { Reply } from '../connection/raw-command.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import { script } from '../connection/script.js'
import { evaluate } from './evaluate.js'
import { positionKey, type StatePlace, stateKey } from './state-place.js'

const dayMs = 24 * 60 * 60 * 1000
/** Where all partitions were done. */
const keptDoneMs = 90 * dayMs
const keptMs = 365 * dayMs
const prunedAtOnce = 100

const noteScript = script(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - tonumber(ARGV[2])), 'LIMIT', 0, ARGV[3])
`)

/** KEYS: the run. ARGV: how long it is kept where all is done, and else. Gives 1 if it is no stray any more. */
const pruneScript = script(`
local claimed = redis.call('HMGET', KEYS[1], 'name', 'claimedAt')
if claimed[1] or not claimed[2] then return 1 end
local time = redis.call('TIME')
local age = tonumber(time[1]) * 1000 - tonumber(claimed[2])
if age <= tonumber(ARGV[1]) then return 0 end
if age <= tonumber(ARGV[2]) then
  local fields = redis.call('HGETALL', KEYS[1])
  local isDone = {}
  for i = 1, #fields, 2 do
    local kind, id = string.match(fields[i], '^(%a+):(.*)$')
    if kind == 'fence' and isDone[id] == nil then isDone[id] = false end
    if kind == 'position' then
      local isRead, position = pcall(cjson.decode, fields[i + 1])
      isDone[id] = isRead and position.done == true
    end
  end
  for _, done in pairs(isDone) do if not done then return 0 end end
end
redis.call('DEL', KEYS[1])
return 1
`)

/**
 * Notes that a run has its positions here while it is kept in another store, which cannot be asked what became of it; and deletes what is
 * left over of others: where all partitions were done 90 days ago, and else after a year without a claim.
 */
export async function noteStray(connection: RedisConnection, place: StatePlace, run: string): Promise<void> {
  const strays = stateKey(place, 'strays')
  const doing = `noting in key "${strays}" that run ${run} is kept elsewhere`
  const old = await evaluate(connection, doing, noteScript, [strays], [run, keptDoneMs, prunedAtOnce])
  for (const stray of old as readonly Reply[]) {
    const key = positionKey(place, String(stray))
    const isOver = await evaluate(connection, `deleting the old key "${key}"`, pruneScript, [key], [keptDoneMs, keptMs])
    if (isOver !== 1) continue
    const command = ['ZREM', strays, String(stray)] as const
    await connection.pipeline(`deleting the old key "${key}"`, [{ key: Buffer.from(strays), command }])
  }
}
