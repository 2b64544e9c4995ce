import { randomUUID } from 'node:crypto'
import type { Control, RunState, RunStatus, StateStore } from '../contracts/state-store.js'
import { retrying } from '../engine/retry.js'
import { checkRunSettings, type RunSettings, runSettingNames } from '../engine/run-control.js'
import { checkMethods } from '../engine/run-options.js'
import { checkOptionNames, checkText } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import { redactSecrets } from '../errors/redact.js'
import { oneLine } from '../report/text.js'
import { overviewOf, type RunOverview } from './run-overview.js'

/** A store that is busy is asked again. */
const maxRetries = 8
/** A reason is a few words: it stands in one line with others. */
const longestReason = 200

/**
 * What can be asked of runs from any process that reaches their state store. Who works on a run hears of it with its next heartbeat,
 * after two seconds at the most, and does it once the batch in hand is committed. Each gives the run as it stands right after.
 */
export interface Operator {
  /** The newest run of every name. */
  list(options?: { readonly status?: RunStatus }): Promise<RunOverview[]>
  /** @throws `RUN_UNKNOWN` */
  status(name: string): Promise<RunOverview>
  /** Ends the batch in hand and waits; `activity` is `paused` once nothing is written any more. @throws `RUN_UNKNOWN`, `RUN_ENDED` */
  pause(name: string, reason?: string): Promise<RunOverview>
  /** Goes on, unless its own process has paused it too. Takes a request to stop back that was not heard yet. @throws `RUN_UNKNOWN`, `RUN_ENDED` */
  resume(name: string): Promise<RunOverview>
  /** Ends the batch in hand and the attempt, and those of others that wait for it; the next call goes on from there. @throws `RUN_UNKNOWN`, `RUN_ENDED` */
  stop(name: string, reason?: string): Promise<RunOverview>
  /** Changes what is named, from the next batch on, for later attempts too. @throws `RUN_UNKNOWN`, `RUN_ENDED`, `OPTION_INVALID` */
  update(name: string, settings: RunSettings): Promise<RunOverview>
}

/**
 * Looks at runs and tells them what to do, from any process.
 *
 * @throws `OPTION_INVALID`, and what the state store throws.
 *
 * @example
 * const operator = operate(postgresStateStore({ connection: process.env.DATABASE_URL }))
 * await operator.update('message-tokens', { recordsPerSecond: 500 })
 * console.log((await operator.status('message-tokens')).message)
 */
export function operate(state: StateStore, options: { readonly signal?: AbortSignal } = {}): Operator {
  checkOptionNames('operate', options, ['signal'])
  if (state === undefined) throw new DroverError('OPTION_INVALID', 'operate: it is given no state store.')
  checkMethods('operate', 'state', state, ['load', 'list', 'control'])
  return new StateStoreOperator(state, options.signal ?? new AbortController().signal)
}

class StateStoreOperator implements Operator {
  constructor(
    private readonly state: StateStore,
    private readonly signal: AbortSignal,
  ) {}

  async list({ status }: { readonly status?: RunStatus } = {}): Promise<RunOverview[]> {
    return (await this.#all(status)).map(overviewOf)
  }

  async status(name: string): Promise<RunOverview> {
    return overviewOf(await this.#find(name))
  }

  async pause(name: string, reason?: string): Promise<RunOverview> {
    return this.#ask('pause', name, { state: 'pause', stopRequest: '', ...reasonOf('pause', reason) })
  }

  resume(name: string): Promise<RunOverview> {
    return this.#ask('resume', name, { state: 'run', stopRequest: '' })
  }

  async stop(name: string, reason?: string): Promise<RunOverview> {
    return this.#ask('stop', name, { state: 'stop', stopRequest: randomUUID(), ...reasonOf('stop', reason) })
  }

  async update(name: string, settings: RunSettings): Promise<RunOverview> {
    const where = `update of ${name}`
    checkOptionNames(where, settings, runSettingNames)
    checkRunSettings(where, settings)
    const named = runSettingNames.filter((setting) => settings[setting] !== undefined)
    if (named.length === 0)
      throw new DroverError('OPTION_INVALID', `${where}: it names none of ${runSettingNames.join(', ')}.`)
    return this.#ask('update', name, Object.fromEntries(named.map((setting) => [setting, settings[setting]])))
  }

  async #ask(what: string, name: string, wanted: Partial<Control>): Promise<RunOverview> {
    const { run, status, completedAt } = await this.#find(name)
    if (status === 'completed') {
      const since = completedAt === undefined ? '' : ` at ${completedAt.toISOString()}`
      throw new DroverError(
        'RUN_ENDED',
        `"${name}" completed${since}: there is nothing to ${what}. Once it is called again, ask again.`,
      )
    }
    await this.#again(() => this.state.control(run, wanted, this.#operation))
    return this.status(name)
  }

  async #find(name: string): Promise<RunState> {
    checkText('operate', 'name', name)
    const found = await this.#again(() => this.state.load(name, this.#operation))
    if (found !== null) return found
    const names = (await this.#all()).map((run) => run.name)
    throw new DroverError('RUN_UNKNOWN', `There is no run "${name}" in ${this.state.name}${suggestNames(name, names)}`)
  }

  #all(status?: RunStatus): Promise<RunState[]> {
    return this.#again(async () => {
      const found: RunState[] = []
      for await (const run of this.state.list({ ...this.#operation, ...(status === undefined ? {} : { status }) }))
        found.push(run)
      return found
    })
  }

  get #operation(): { readonly signal: AbortSignal } {
    return { signal: this.signal }
  }

  #again<T>(work: () => Promise<T>): Promise<T> {
    return retrying(work, { maxRetries, signal: this.signal })
  }
}

function reasonOf(what: string, reason: string | undefined): { readonly reason?: string } {
  if (reason === undefined) return {}
  checkText(what, 'reason', reason)
  return { reason: oneLine(redactSecrets(reason), longestReason) }
}
