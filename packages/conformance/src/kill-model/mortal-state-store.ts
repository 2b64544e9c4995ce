import { hostname } from 'node:os'
import type { RunState, StateStore, TransactionalStateStore } from '@drover/core'
import type { Life } from './life.js'

/**
 * The same state store in a process that may end at every step. It takes its leases in the name of a process that is gone,
 * so that the next life need not wait until they run out.
 */
export function mortalStateStore<S extends StateStore>(store: S, life: Life): S {
  life.closeLater(async () => await store[Symbol.asyncDispose]())
  const { setup } = store
  const mortal: StateStore = {
    specVersion: 1,
    name: store.name,
    ...(setup === undefined
      ? {}
      : { setup: (operation) => life.call('state.setup', () => setup.call(store, operation)) }),
    open: (run, operation) => life.call('state.open', () => store.open(run, operation)),
    load: (name, operation) => life.call('state.load', () => store.load(name, operation)),
    list: (options) => listed(store, options, life),
    acquire: (want, operation) => {
      const holder = `${hostname()}:${goneProcess()}:${want.holder.split(':').at(-1)}`
      return life.call('acquire', () => store.acquire({ ...want, holder }, operation))
    },
    heartbeat: (lease, options) => life.call('heartbeat', () => store.heartbeat(lease, options)),
    release: (lease, operation) => life.call('release', () => store.release(lease, operation)),
    control: (run, wanted, operation) => life.call('control', () => store.control(run, wanted, operation)),
    commit: (commit, operation) => life.call('state.commit', () => store.commit(commit, operation)),
    settle: (run, settlement, operation) => life.call('settle', () => store.settle(run, settlement, operation)),
    [Symbol.asyncDispose]: async () => life.check(),
  }
  if (!isTransactional(store)) return mortal as S
  const transaction: TransactionalStateStore<unknown>['transaction'] = (work, operation) =>
    life.call('transaction', () =>
      store.transaction((tx) => life.call('work in the transaction', () => work(tx)), operation),
    )
  return { ...mortal, transaction } as unknown as S
}

async function* listed(
  store: StateStore,
  options: Parameters<StateStore['list']>[0],
  life: Life,
): AsyncGenerator<RunState, void, undefined> {
  for await (const run of store.list(options)) {
    await life.step('run listed')
    yield run
  }
}

function isTransactional(store: StateStore): store is TransactionalStateStore<unknown> {
  return typeof (store as Partial<TransactionalStateStore<unknown>>).transaction === 'function'
}

/** The number of a process that does not exist on this host. */
function goneProcess(): number {
  for (let pid = 4_194_303; pid > 1; pid--) {
    try {
      process.kill(pid, 0)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return pid
    }
  }
  return 0
}
