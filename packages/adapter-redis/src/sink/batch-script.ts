import { script } from '../connection/script.js'
import { standingLua, storeLua } from '../state/positions.js'
import { attemptedLua, deniedLua } from './script-parts.js'

/**
 * Writes one batch, and its position with it. All that could refuse it is looked at before the first write; what comes then cannot fail: keys that
 * are of another type are unlinked before, and what a command would not take was refused before it was sent.
 *
 * KEYS: the position's, then those of the batch, each once.
 * ARGV: partition, fence, sequence, position; how many of the keys are there; for a merge their types, one letter each; '1' to
 * unlink them; the commands that it uses, as JSON; how many parts of commands follow; these; large values.
 *
 * Strings that are all new, and few enough for one command, need no look: MSETNX sets all of them or none.
 *
 * Should a command fail all the same, as where an administrator took a right away meanwhile that Redis before 7.0 does not let scripts ask for, keys that
 * were not there before are taken away again.
 *
 * Out of memory, a replica, a disk that does not take snapshots: Redis says so at the first write of a script, so the first one changes nothing.
 */
export const batchScript = script(`${standingLua}${storeLua}${deniedLua}${attemptedLua}
local refused = standing(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) or denied(ARGV[8], KEYS[1])
if refused then return refused end
local count, expected, types = #KEYS, tonumber(ARGV[5]), ARGV[6]
local function each(command, from, step)
  local sum = 0
  for i = from, count, step do
    local answer = redis.call(command, unpack(KEYS, i, math.min(count, i + step - 1)))
    if type(answer) == 'number' then sum = sum + answer end
  end
  return sum
end
local large = 9 + tonumber(ARGV[9])
local function filled(command)
  local length = #command
  if command[1] == 'MSET' then
    for k = 2, length, 2 do command[k] = KEYS[command[k]] end
  elseif type(command[2]) == 'number' then
    command[2] = KEYS[command[2]]
  else
    command[3] = KEYS[command[3]]
  end
  if type(command[length]) == 'number' then command[length] = ARGV[large - command[length]] end
  return command
end
local first = large == 10 and cmsgpack.unpack(ARGV[10])
if expected == 0 and first and #first == 1 and first[1][1] == 'MSET' then
  local command = filled(first[1])
  command[1] = 'MSETNX'
  if redis.call(unpack(command)) == 1 then
    store(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
    return 'written'
  end
end
if types ~= '' then
  for i = 2, count do
    if string.sub(redis.call('TYPE', KEYS[i]).ok, 1, 1) ~= string.sub(types, i - 1, i - 1) then return {'changed'} end
  end
elseif each('EXISTS', 2, 4000) ~= expected then
  if expected > 0 then return {'changed'} end
  local there = {'exist'}
  for i = 2, count do
    if redis.call('EXISTS', KEYS[i]) == 1 then there[#there + 1] = i - 2 end
    if #there > 1000 then break end
  end
  return there
end
redis.call('HSET', KEYS[1], 'fence:' .. ARGV[1], ARGV[2])
local failure, isUndone = attempted(function()
  if ARGV[7] == '1' then each('UNLINK', 2, 4000) end
  for i = 10, large do
    local commands = cmsgpack.unpack(ARGV[i])
    for j = 1, #commands do redis.call(unpack(filled(commands[j]))) end
  end
end, expected == 0 and function() each('UNLINK', 2, 4000) end)
if failure then return {'failed', failure, isUndone} end
store(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return 'written'
`)

/** The first letters of the types of keys; `n` is none. */
export const typesScript = script(`
local types = {}
for i = 1, #KEYS do types[i] = string.sub(redis.call('TYPE', KEYS[i]).ok, 1, 1) end
return table.concat(types)
`)
