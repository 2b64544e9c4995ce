import { type Claim, type Commit, DroverError, type Position } from '@drover/core'
import type { Argument, Reply } from '../connection/raw-command.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import type { CommandLine } from '../connection/redis-node.js'
import { script } from '../connection/script.js'
import { redisError } from '../errors/redis-error.js'
import { evaluate } from './evaluate.js'
import { positionKey, type StatePlace } from './state-place.js'
import { noteStray } from './stray-runs.js'

/**
 * Lua for the top of a script: `standing(key, partition, fence, sequence)` gives nothing if a batch of that number may be committed under
 * that fence, and otherwise what the script is to return before it has written anything; {@link refusal} reads it.
 */
export const standingLua = `
local function standing(key, partition, fence, sequence)
  local at = redis.pcall('HMGET', key, 'fence:' .. partition, 'sequence:' .. partition)
  if at.err then return string.find(at.err, 'WRONGTYPE') and {'unreadable', at.err} or at end
  local highest, last = tonumber(at[1] or ''), tonumber(at[2] or '0')
  if highest and last and highest == tonumber(fence) and last == tonumber(sequence) - 1 then return nil end
  return {'overtaken', at[1] or '', at[2] or ''}
end
`

/** Lua for the top of a script: `store(key, partition, fence, sequence, position)` stores a position where {@link standingLua} found nothing. */
export const storeLua = `
local function store(key, partition, fence, sequence, position)
  redis.call('HSET', key, 'fence:' .. partition, fence, 'sequence:' .. partition, sequence, 'position:' .. partition, position)
end
`

/** Partition, fence, sequence and position, in the order in which the Lua takes them: `standing(KEYS[1], ARGV[1], ARGV[2], ARGV[3])`. */
export function commitArguments(commit: Commit): readonly [Argument, Argument, Argument, Argument] {
  const { run, partition, fence, sequence, cursor, done, counts } = commit
  return [
    partition.id,
    fence,
    sequence,
    JSON.stringify({ run, partition, fence, sequence, cursor, done, counts } satisfies Position),
  ]
}

const commitScript = script(`${standingLua}${storeLua}
local refused = standing(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
if refused then return refused end
store(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return 'stored'
`)

/** Stores a position that is one batch further. @throws `FENCED`, `STATE_INVALID` */
export async function commitPosition(connection: RedisConnection, place: StatePlace, commit: Commit): Promise<void> {
  const key = positionKey(place, commit.run)
  const doing = `committing batch ${commit.sequence} of partition "${commit.partition.id}" in key "${key}"`
  const reply = await evaluate(connection, doing, commitScript, [key], commitArguments(commit))
  const refused = refusal(reply, place, commit, commit.sequence)
  if (refused !== undefined) throw refused
}

const claimScript = script(`
local at = redis.pcall('HMGET', KEYS[1], 'fence:' .. ARGV[1], 'sequence:' .. ARGV[1], 'position:' .. ARGV[1])
if at.err then return string.find(at.err, 'WRONGTYPE') and {'unreadable', at.err} or at end
if at[1] and (tonumber(at[1]) == nil or tonumber(at[1]) > tonumber(ARGV[2])) then return {'overtaken', at[1], at[2] or ''} end
-- A full server refuses what takes memory only as long as nothing is written: who asks where he stands is answered.
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], 'fence:' .. ARGV[1], ARGV[2])
if redis.call('HEXISTS', KEYS[1], 'name') == 1 then return {'claimed', at[3], 0} end
redis.call('HSET', KEYS[1], 'claimedAt', redis.call('TIME')[1] .. '000')
return {'claimed', at[3], 1}
`)

/**
 * Raises the fence of a partition and says where it stands.
 *
 * @throws `FENCED` if a higher fence stands there; `STATE_INVALID`
 */
export async function claimPosition(
  connection: RedisConnection,
  place: StatePlace,
  claim: Claim,
): Promise<Position | null> {
  const { run, partition, fence } = claim
  const key = positionKey(place, run)
  const doing = `claiming partition "${partition.id}" in key "${key}"`
  const reply = await evaluate(connection, doing, claimScript, [key], [partition.id, fence])
  const refused = refusal(reply, place, claim)
  if (refused !== undefined) throw refused
  const [, position, isStray] = reply as readonly Reply[]
  if (isStray === 1) await noteStray(connection, place, run)
  return readPosition(key, partition.id, textOf(position), fence)
}

/** The command whose answer {@link checkStanding} reads: for who wants to know beforehand what the script would say. */
export function standingCommand(place: StatePlace, { run, partition }: Claim): CommandLine {
  return ['HMGET', positionKey(place, run), `fence:${partition.id}`, `sequence:${partition.id}`]
}

/** Refuses early what the script would refuse. @throws `FENCED`, `STATE_INVALID` */
export function checkStanding(reply: Reply, place: StatePlace, claim: Claim, sequence: number): void {
  if (reply instanceof Error) {
    const key = positionKey(place, claim.run)
    if (reply.message.startsWith('WRONGTYPE')) throw unreadable(key, `Redis says: ${reply.message}`)
    throw redisError(reply, `looking where partition "${claim.partition.id}" stands in key "${key}"`)
  }
  const [fence = '', last = ''] = (reply as readonly Reply[]).map(textOf)
  if (fence !== '' && Number(fence) === claim.fence && Number(last) === sequence - 1) return
  const refused = ['overtaken', fence, last].map((part) => Buffer.from(part))
  throw refusal(refused, place, claim, sequence)
}

/** The error that a script's answer stands for; undefined if it is none of the answers of {@link standingLua}. */
export function refusal(reply: Reply, place: StatePlace, claim: Claim, sequence?: number): DroverError | undefined {
  if (!Array.isArray(reply)) return undefined
  const [what, one, two] = reply.map(textOf)
  const key = positionKey(place, claim.run)
  if (what === 'unreadable') return unreadable(key, `Redis says: ${one}`)
  if (what !== 'overtaken') return undefined
  if (one === '') {
    return outOfStep(claim, `nothing of it is in key "${key}" any more, not that this process claimed it`, 0)
  }
  const [fence, last] = [Number(one), Number(two)]
  if (Number.isNaN(fence) || Number.isNaN(last)) {
    return unreadable(
      key,
      `its fields "fence:${claim.partition.id}" and "sequence:${claim.partition.id}" are no numbers`,
    )
  }
  if (fence > claim.fence) return fenced(claim, `its fence is ${fence}, this process has ${claim.fence}`)
  if (sequence === undefined || last >= sequence) {
    return fenced(claim, `its last batch is ${last}, the commit is number ${sequence}`)
  }
  return outOfStep(claim, `its last batch is ${last}, and ${sequence - 1} was acknowledged`, last)
}

/** A position as it was stored, under the fence that stands now. Null if nothing was ever committed. @throws `STATE_INVALID` */
export function readPosition(key: string, partition: string, text: string | undefined, fence: number): Position | null {
  if (text === undefined) return null
  const position = readJson<Position>(key, `position:${partition}`, text)
  const isWhole =
    typeof position === 'object' && position?.partition?.id === partition && Number.isSafeInteger(position.sequence)
  if (!isWhole) throw unreadable(key, `its field "position:${partition}" is no position`)
  return { ...position, fence }
}

/** What a field of state holds. @throws `STATE_INVALID` */
export function readJson<T>(key: string, field: string, text: string): T {
  try {
    return JSON.parse(text) as T
  } catch (error) {
    throw unreadable(key, `its field "${field}" is no JSON`, error)
  }
}

/** State that is not what this version of Drover puts there. */
export function unreadable(key: string, why: string, cause?: unknown): DroverError {
  return new DroverError(
    'STATE_INVALID',
    `Key "${key}" holds no state that can be read: ${why}. Restore it from a backup, or delete the key to begin the run anew.`,
    { cause },
  )
}

export function textOf(reply: Reply | undefined): string | undefined {
  if (reply === null || reply === undefined) return undefined
  return Buffer.isBuffer(reply) ? reply.toString() : String(reply)
}

/** Nobody claimed it since: what was durable once is not any more. */
function outOfStep({ run, partition }: Claim, why: string, last: number): DroverError {
  return new DroverError(
    'FENCED',
    `Partition "${partition.id}" of run ${run}: Redis has lost what it had acknowledged: ${why}. That happens when a server stops that does not write each command to its disk (appendfsync), when a replica takes over that was behind, or when keys are evicted. Nothing was written; call again, and it goes on behind batch ${last}.`,
  )
}

function fenced({ run, partition }: Claim, why: string): DroverError {
  return new DroverError(
    'FENCED',
    `Partition "${partition.id}" of run ${run} was claimed by another process: ${why}. Nothing was written; leave the work to that process.`,
  )
}
