import type { Partition } from '../contracts/position.js'
import type { Count } from '../contracts/source.js'
import type { Lease, RunState, StateStore, TransactionalStateStore } from '../contracts/state-store.js'
import { checkOptionNames, checkText, shown } from '../errors/check-options.js'
import { directoryStateStore } from '../state/directory-state-store.js'
import { type AnyBackfiller, BackfillLane } from './backfill-lane.js'
import type { Lane } from './lane.js'
import type { BackfillOptions } from './options.js'
import type { OpenedPlan, Plan, PlanHelp } from './plan.js'
import { checkObject, checkRunOptions, invalid, runOptionNames } from './run-options.js'

const defaultBatchSize = 1_000

/** Checks the options of a backfill that was written by hand and makes its plan; connects to nothing. @throws `OPTION_INVALID` */
export function backfillPlan(options: BackfillOptions<never>): Plan {
  checkObject('backfill', 'options', options)
  const backfiller: AnyBackfiller = options.backfiller
  checkText('backfill', 'backfiller.name', backfiller?.name)
  const where = `backfill ${backfiller.name}`
  checkOptionNames(where, options, [...runOptionNames, 'backfiller', 'dependsOn'])
  checkRunOptions(where, options)
  checkDependsOn(where, options.dependsOn)
  if (typeof backfiller.backfillBatch !== 'function')
    throw invalid(where, 'its backfiller has no backfillBatch function')
  return {
    kind: 'backfill',
    name: backfiller.name,
    source: backfiller.name,
    sink: backfiller.name,
    guarantee: options.state !== undefined && isTransactional(options.state) ? 'exactly-once' : 'at-least-once',
    options,
    again: options.again ?? 'full',
    parallel: 1,
    fingerprint: {
      version: options.version ?? null,
      backfiller: backfiller.version === undefined ? backfiller.name : `${backfiller.name}@${backfiller.version}`,
    },
    countsWhatIsLeft: true,
    dependsOn: options.dependsOn ?? [],
    defaultState: () => directoryStateStore({ directory: '.drover' }),
    open: async (help) => {
      help.opening.at('backfiller')
      await backfiller.setup?.(help.operation)
      return new OpenedBackfill(backfiller, options, help)
    },
  }
}

/** @throws `OPTION_INVALID` */
export function checkDependsOn(where: string, dependsOn: unknown): void {
  if (dependsOn === undefined) return
  if (Array.isArray(dependsOn) && dependsOn.every((name) => typeof name === 'string' && name !== '')) return
  throw invalid(where, `dependsOn is a list of names, not ${shown(dependsOn)}`)
}

/** Whether positions can be stored in the transaction that changes the records. */
export function isTransactional(store: StateStore): store is TransactionalStateStore<never> {
  return typeof (store as Partial<TransactionalStateStore<never>>).transaction === 'function'
}

class OpenedBackfill implements OpenedPlan {
  readonly deadLetters = undefined
  readonly account = undefined

  constructor(
    private readonly backfiller: AnyBackfiller,
    private readonly options: BackfillOptions<never>,
    private readonly help: PlanHelp,
  ) {}

  async partitions(): Promise<readonly Partition[]> {
    return [{ id: 'all', bounds: null }]
  }

  async count(): Promise<Count | undefined> {
    this.help.opening.at('backfiller')
    return this.backfiller.count?.(this.help.operation)
  }

  async begin(_run: RunState): Promise<void> {}

  async lane(lease: Lease): Promise<Lane> {
    const { options, help } = this
    // A store that was given may share the transaction; the one that was made lies elsewhere.
    const { state } = help
    const store = options.state !== undefined && isTransactional(state) ? { both: state } : { after: state }
    return new BackfillLane(this.backfiller, lease, { store, batchSize: options.batchSize ?? defaultBatchSize, help })
  }

  async finish(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.backfiller.teardown?.({ signal: new AbortController().signal })
  }
}
