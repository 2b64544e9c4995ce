import { script } from '../connection/script.js'

/**
 * Makes one key as a whole, or leaves it alone.
 *
 * KEYS: the key. ARGV: policy; how many parts of commands make it, how many large values go with them, how many parts merge into it; all of
 * these, and the large values of the last ones.
 */
export const keyScript = script(`
local key, policy = KEYS[1], ARGV[1]
local kind = redis.call('TYPE', key).ok
local isThere = kind ~= 'none'
local from, to = 5, 4 + tonumber(ARGV[2])
local outcome = 'inserted'
if isThere then
  if policy == 'skip' then return 'skipped' end
  outcome = 'updated'
  if policy == 'merge' then
    if kind ~= 'hash' then return 'refused' end
    from = to + tonumber(ARGV[3]) + 1
    to = from + tonumber(ARGV[4]) - 1
  else
    redis.call('UNLINK', key)
  end
end
for i = from, to do
  local commands = cmsgpack.unpack(ARGV[i])
  for j = 1, #commands do
    local command = commands[j]
    local length = #command
    command[type(command[2]) == 'number' and 2 or 3] = key
    if type(command[length]) == 'number' then command[length] = ARGV[to - command[length]] end
    redis.call(unpack(command))
  end
end
return outcome
`)
