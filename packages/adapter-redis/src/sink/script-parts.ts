import type { Argument } from '../connection/raw-command.js'
import { sampleCommands } from './command-rights.js'

/**
 * Lua for the top of a script: `denied(samples, key)` gives nothing if the user may run what {@link samplesOf} names on the key, and otherwise what
 * the script is to return before it has written anything: rights may be taken away at any time. Before 7.0 scripts cannot ask.
 */
export const deniedLua = `
local function denied(samples, key)
  if not redis.acl_check_cmd then return nil end
  for _, command in ipairs(cjson.decode(samples)) do
    command[type(command[2]) == 'number' and 2 or 3] = key
    if not redis.acl_check_cmd(unpack(command)) then return {'denied', command[1]} end
  end
end
`

/**
 * Lua for the top of a script: `attempted(work, undo)` gives nothing if the work was done, and otherwise what the server said, and whether it was
 * undone; without `undo` it never is. Servers before 7.0 say first where in the script it was.
 */
export const attemptedLua = `
local function attempted(work, undo)
  local isDone, failure = pcall(work)
  if isDone then return nil end
  local isUndone = undo and pcall(undo)
  local said = type(failure) == 'table' and failure.err or failure
  return (string.gsub(said, '^@user_script:%s*%d+:%s*%-?', '')), isUndone and 1 or 0
end
`

/** Where the key stands, as in the commands themselves. */
const keyPlace: Argument = 0

/** What {@link deniedLua} looks at. */
export function samplesOf(names: Iterable<string>): string {
  return JSON.stringify(sampleCommands(names, keyPlace))
}
