import { script } from '../connection/script.js'
import { attemptedLua, deniedLua } from './script-parts.js'

/**
 * Makes one key as a whole, or leaves it alone. Should a command fail all the same, what is made of the key by then is taken away again; only of a
 * hash that is merged into a part may stay.
 *
 * KEYS: the key. ARGV: policy; the commands that it uses, as JSON; how many parts of commands make it, how many large values go with them, how many parts merge into it; all of
 * these, and the large values of the last ones.
 */
export const keyScript = script(`${deniedLua}${attemptedLua}
local key, policy = KEYS[1], ARGV[1]
local kind = redis.call('TYPE', key).ok
local isThere = kind ~= 'none'
local from, to = 6, 5 + tonumber(ARGV[3])
local isMerged = isThere and policy == 'merge'
local outcome = 'inserted'
if isThere and policy == 'skip' then return 'skipped' end
if isMerged and kind ~= 'hash' then return 'refused' end
local refused = denied(ARGV[2], key)
if refused then return refused end
if isMerged then
  from = to + tonumber(ARGV[4]) + 1
  to = from + tonumber(ARGV[5]) - 1
end
if isThere then outcome = 'updated' end
if isThere and not isMerged then redis.call('UNLINK', key) end
local failure = attempted(function()
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
end, not isMerged and function() redis.call('UNLINK', key) end)
if failure then return {err = failure} end
return outcome
`)
