import { randomUUID } from 'node:crypto'
import {
  type Control,
  DroverError,
  type Held,
  isHolderGone,
  type JsonValue,
  type Lease,
  type NewRun,
  type Partition,
  type RunState,
  type Settlement,
} from '@drover/core'
import type { Argument, Reply } from '../connection/raw-command.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import type { CommandLine } from '../connection/redis-node.js'
import type { Script } from '../connection/script.js'
import { redisError } from '../errors/redis-error.js'
import { evaluate } from './evaluate.js'
import { readPosition, textOf, unreadable } from './positions.js'
import {
  acquireScript,
  controlScript,
  heartbeatScript,
  openScript,
  releaseScript,
  settleScript,
} from './run-scripts.js'
import { positionKey, type StatePlace, stateKey } from './state-place.js'
import { controlNames, controlOf, leasesOf, runState, storedRun } from './stored-run.js'

export interface LeaseRequest {
  readonly run: string
  readonly partition: Partition
  readonly holder: string
  readonly ttlMs: number
}

/** What the keys of a state store hold. What asks for a run that is not there gives undefined, or false. */
export class Runs {
  /** A hash: the id of the newest run of each name. */
  readonly #names: string

  constructor(
    private readonly connection: RedisConnection,
    private readonly place: StatePlace,
    private readonly keepRuns: number,
  ) {
    this.#names = stateKey(place, 'names')
  }

  /** Creates the run, or gives the one that was quicker; undefined if the run to follow is not there. */
  async open({ name, fingerprint, partitions, follows }: NewRun): Promise<RunState | undefined> {
    const doing = `opening "${name}"`
    const runs = this.#runsOf(name)
    const [newest, count] = await this.#ask(doing, [
      ['HGET', this.#names, name],
      ['LLEN', runs],
    ])
    // Before there is the new one, so that what fails here leaves nothing behind.
    if ((textOf(newest) ?? null) === follows && Number(count) >= this.keepRuns) await this.#prune(name)
    const run = randomUUID()
    const opened = await this.#run(
      doing,
      openScript,
      [this.#names, positionKey(this.place, run), runs],
      [...[name, run, follows ?? '', JSON.stringify(fingerprint), JSON.stringify(partitions)]],
    )
    return textOf(opened) === '' ? undefined : ((await this.newest(name)) ?? undefined)
  }

  /** @throws `STATE_INVALID` */
  async newest(name: string): Promise<RunState | null> {
    for (let before: string | undefined; ; ) {
      const [reply] = await this.#ask(`looking for "${name}"`, [['HGET', this.#names, name]])
      const run = textOf(reply)
      if (run === undefined) return null
      const [state] = await this.#states([run])
      if (state !== undefined) return this.#of(name, state)
      if (run === before) throw this.#gone(name, run)
      // Removed since, for there is a newer one; and if not, somebody else removed it.
      before = run
    }
  }

  /** The newest run of each name. */
  async *list(): AsyncGenerator<RunState> {
    const [reply] = await this.#ask('listing runs', [['HGETALL', this.#names]])
    const newest = [...storedRun(reply ?? null)].sort(([one], [other]) => (one < other ? -1 : 1))
    for (let from = 0; from < newest.length; from += listedAtOnce) {
      const some = newest.slice(from, from + listedAtOnce)
      const states = await this.#states(some.map(([, run]) => run))
      for (const [i, [name]] of some.entries()) {
        const state = states[i] ?? (await this.newest(name))
        if (state != null) yield this.#of(name, state)
      }
    }
  }

  async acquire(want: LeaseRequest): Promise<Lease | Held | undefined> {
    const { run, partition, holder, ttlMs } = want
    const key = positionKey(this.place, run)
    const doing = `taking the lease of partition "${partition.id}" in key "${key}"`
    /** A holder that this host knows to be gone. */
    let gone = ''
    for (;;) {
      const reply = await this.#run(doing, acquireScript, [key], [partition.id, holder, ttlMs, gone])
      const [what, one = '', two = '', position] = (reply as readonly Reply[]).map(textOf)
      if (what === 'unknown') return undefined
      if (what === 'unreadable') throw unreadable(key, `its field "fence:${partition.id}" is no number`)
      if (what === 'taken') {
        const fence = Number(one)
        const expiresAt = new Date(Number(two))
        return { run, partition, holder, fence, expiresAt, position: readPosition(key, partition.id, position, fence) }
      }
      if (one === gone || !isHolderGone(one)) return { heldBy: one, expiresAt: new Date(Number(two)) }
      gone = one
    }
  }

  /** @throws `LEASE_LOST` */
  async heartbeat(
    { run, partition, fence, holder }: Lease,
    { ttlMs, telling }: { readonly ttlMs: number; readonly telling?: JsonValue },
  ): Promise<Control> {
    const key = positionKey(this.place, run)
    const told = telling === undefined ? '' : JSON.stringify(telling)
    const fields = controlNames.map((name) => `control:${name}`)
    const reply = await this.#run(
      `renewing the lease of partition "${partition.id}" in key "${key}"`,
      heartbeatScript,
      [key],
      [partition.id, fence, holder, ttlMs, told, ...fields],
    )
    const [what, ...values] = (reply as readonly Reply[]).map(textOf)
    if (what === 'held') return controlOf(key, values)
    const now = values[0] === undefined ? 'it was given back' : `${values[0]} has it now`
    const why =
      what === 'lost'
        ? `${now}. Leave the work to the process that has it.`
        : `key "${key}" is not there any more: it was deleted or evicted, or the server has restarted without an append-only file. Call again to begin the run anew.`
    throw new DroverError('LEASE_LOST', `The lease of partition "${partition.id}" of run ${run} is lost: ${why}`)
  }

  async release({ run, partition, fence, holder }: Lease): Promise<void> {
    const key = positionKey(this.place, run)
    const doing = `giving back the lease of partition "${partition.id}" in key "${key}"`
    await this.#run(doing, releaseScript, [key], [partition.id, fence, holder])
  }

  /** As `changedControl` does it. */
  async control(run: string, wanted: Partial<Control>): Promise<boolean> {
    const key = positionKey(this.place, run)
    const fields = controlNames.flatMap((name) =>
      wanted[name] === undefined ? [] : [`control:${name}`, JSON.stringify(wanted[name])],
    )
    const isOver = wanted.state === undefined ? 0 : 1
    return (await this.#run(`noting what is wanted in key "${key}"`, controlScript, [key], [isOver, ...fields])) === 1
  }

  async settle(run: string, settlement: Settlement): Promise<boolean> {
    const key = positionKey(this.place, run)
    const args = [settlement.outcome, JSON.stringify(settlement)]
    return (await this.#run(`noting in key "${key}" how it ended`, settleScript, [key], args)) === 1
  }

  /** Removes completed runs of a name, but for its newest ones. The newest completed one stays, and what is open or held. */
  async #prune(name: string): Promise<void> {
    const doing = `removing old runs of "${name}"`
    const [reply] = await this.#ask(doing, [['LRANGE', this.#runsOf(name), 0, -1]])
    const newestFirst = ((reply ?? []) as readonly Reply[]).map((run) => textOf(run) ?? '').reverse()
    const statuses = await this.#ask(
      doing,
      newestFirst.map((run) => ['HGET', positionKey(this.place, run), 'status']),
    )
    let hasNewer = false
    for (const [place, run] of newestFirst.entries()) {
      const status = textOf(statuses[place])
      const isRemoved = status === undefined
      if (status !== 'completed' && !isRemoved) continue
      const isOld = isRemoved || (hasNewer && place >= this.keepRuns - 1 && !(await this.#isHeld(run)))
      hasNewer ||= status === 'completed'
      if (!isOld) continue
      // The name last: what fails in between is found again.
      await this.#ask(doing, [['DEL', positionKey(this.place, run)]])
      await this.#ask(doing, [['LREM', this.#runsOf(name), 1, run]])
    }
  }

  async #isHeld(run: string): Promise<boolean> {
    const key = positionKey(this.place, run)
    const [fields, time] = await this.#ask('looking who works on it', [['HGETALL', key], ['TIME']])
    return leasesOf(key, storedRun(fields ?? null), millisOf(time)).some(({ leftMs }) => leftMs > 0)
  }

  /** Undefined where there is no such run. */
  async #states(runs: readonly string[]): Promise<readonly (RunState | undefined)[]> {
    const keys = runs.map((run) => positionKey(this.place, run))
    const [time, ...replies] = await this.#ask('reading runs', [
      ['TIME'],
      ...keys.map((key): CommandLine => ['HGETALL', key]),
    ])
    return runs.map((run, i) => {
      const stored = storedRun(replies[i] ?? null)
      return stored.has('name') ? runState(keys[i] ?? '', run, stored, millisOf(time)) : undefined
    })
  }

  /** Another name's run in its place would be gone on with. */
  #of(name: string, state: RunState): RunState {
    if (state.name === name) return state
    throw unreadable(this.#names, `its field "${name}" names run ${state.run}, which is one of "${state.name}"`)
  }

  #gone(name: string, run: string): DroverError {
    return unreadable(
      this.#names,
      `its field "${name}" names run ${run}, and key "${positionKey(this.place, run)}" is not there any more; it was deleted, or evicted`,
    )
  }

  #runsOf(name: string): string {
    return stateKey(this.place, `runs:${name}`)
  }

  /** Commands in the slot of all keys. @throws DroverError */
  async #ask(doing: string, commands: readonly CommandLine[]): Promise<readonly Reply[]> {
    const key = Buffer.from(this.#names)
    const replies = await this.connection.pipeline(
      doing,
      commands.map((command) => ({ key, command })),
    )
    for (const [i, reply] of replies.entries())
      if (reply instanceof Error) throw this.#named(reply, doing, commands[i]?.[1])
    return replies
  }

  async #run(
    doing: string,
    script: Script,
    keys: readonly [string, ...string[]],
    args: readonly Argument[],
  ): Promise<Reply> {
    return evaluate(this.connection, doing, script, keys, args, (error) =>
      this.#named(error, doing, keys.join('" or "')),
    )
  }

  #named(error: Error, doing: string, key: Argument | undefined): DroverError {
    // Before Redis 7 the word stands in the middle of what a script failed with.
    if (/\bWRONGTYPE\b/.test(error.message)) return unreadable(String(key), `Redis says: ${error.message}`, error)
    return redisError(error, `${doing} on ${this.connection.name}`)
  }
}

const listedAtOnce = 50

/** The answer to TIME. */
function millisOf(reply: Reply | undefined): number {
  const [seconds, micros] = Array.isArray(reply) ? reply.map(Number) : []
  return (seconds ?? 0) * 1000 + Math.floor((micros ?? 0) / 1000)
}
