import type { Lease, Row, StateStore, TransactionalStateStore } from '@drover/core'

/** What a state store can do. */
export interface StateStoreCapabilities {
  /** What is stored outlives the store object: `open` gives what another one left, as another process would find it. @default true */
  readonly durable?: boolean
}

/** A place for state made for one test. */
export interface StateStoreHarness<S extends StateStore = StateStore> extends AsyncDisposable {
  /** A store at that place, as a process that starts now would make it. The suite disposes of it. */
  open(): S
  /** Makes this lease run out now, where the store's clock can be moved; otherwise the suite takes short leases and waits. */
  expire?(lease: Lease): Promise<void>
  /** Names of what stands at the place: tables, keys, files. With it the suite sees that who only looks creates nothing. */
  holds?(): Promise<readonly string[]>
}

export interface StateStoreHarnessFactory {
  readonly capabilities?: StateStoreCapabilities
  create(): Promise<StateStoreHarness>
}

/** A place in a database that the user writes to. */
export interface TransactionalHarness<Tx> extends StateStoreHarness<TransactionalStateStore<Tx>> {
  /** Writes a row through the transaction, into a table of the harness. */
  write(tx: Tx, row: Row): Promise<void>
  /** The rows of that table as a reader sees them now. */
  contents(): Promise<readonly Row[]>
}

export interface TransactionalHarnessFactory<Tx> {
  readonly capabilities?: StateStoreCapabilities
  create(): Promise<TransactionalHarness<Tx>>
}
