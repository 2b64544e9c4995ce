import type { Backfiller, JsonValue, Row } from '@drover/core'

/** What a backfiller can do. */
export interface BackfillerCapabilities {
  /** It has `count`. @default 'none' */
  readonly count?: 'exact' | 'estimated' | 'none'
  /** It has `skip`, and the harness has `spoil`. @default false */
  readonly skip?: boolean
  /** It writes through the transaction it is given: what is rolled back leaves nothing. @default false */
  readonly transactional?: boolean
}

/** A store made for one test, with records that wait for the backfiller. */
export interface BackfillerHarness<Tx> extends AsyncDisposable {
  /** A new backfiller over the same store, as a process that starts now would make it. */
  open(): Backfiller<Tx>
  /** Adds that many records that wait for it, and some that do not. */
  seed(waiting: number): Promise<void>
  /** All records as they are now. */
  contents(): Promise<readonly Row[]>
  /** All records as they are to be once it has run, computed by other means than its own. */
  expected(): Promise<readonly Row[]>
  /** Runs `work` in a transaction: committed if it resolves, rolled back if it rejects. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Changes one of the waiting records so that the backfiller fails on it, and says its key. `expected` leaves it as it is. */
  spoil?(): Promise<readonly JsonValue[]>
}

export interface BackfillerHarnessFactory<Tx> {
  readonly capabilities: BackfillerCapabilities
  /** Makes an empty store. */
  create(): Promise<BackfillerHarness<Tx>>
}
