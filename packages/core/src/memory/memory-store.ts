import type { Commit, Position } from '../contracts/position.js'
import type { StateStore } from '../contracts/state-store.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { MemoryStateStore } from '../state/memory-state-store.js'
import { PositionLedger } from '../state/position-ledger.js'

/** What memory sinks write into. It outlives runs and sessions as a database does; give it to a second sink to go on there. */
export interface MemoryStore<out R = Row> {
  /** What was written, in the order of writing; an updated row keeps its place. */
  readonly rows: readonly R[]
  /** Where each partition of each run stands. */
  readonly positions: readonly Position[]
  /** Keeps runs beside the rows: the default of a pipeline with an exact memory sink. */
  readonly state: StateStore
}

/**
 * An empty store.
 *
 * @example
 * const store = memoryStore<Person>()
 * await runPipeline({ name: 'copy', source, sink: memorySink({ store, key: 'id', onConflict: 'update' }) })
 * console.log(store.rows)
 */
export function memoryStore<R extends object = Row>(): MemoryStore<R> {
  return new MemoryTable<R>()
}

/** Rows under a key, or without one. */
export interface KeyedRow<R> {
  readonly row: R
  /** Null if the table has no key. */
  readonly key: string | null
}

/** The store as the sinks see it. Rows are copied on their way in, so that nobody changes them from outside. */
export class MemoryTable<R extends object> implements MemoryStore<R> {
  readonly #ledger = new PositionLedger()
  readonly #places = new Map<string, number>()
  readonly #rows: R[] = []
  #identity: string | undefined
  /** Grows with every change. */
  version = 0
  readonly state: StateStore = new MemoryStateStore(this.#ledger, Date.now)

  get rows(): readonly R[] {
    return this.#rows
  }

  get positions(): readonly Position[] {
    return this.#ledger.positions()
  }

  get ledger(): PositionLedger {
    return this.#ledger
  }

  has(key: string): boolean {
    return this.#places.has(key)
  }

  /** A table has one key: what identifies a row must not depend on who writes it. */
  identify(where: string, identity: string): void {
    this.#identity ??= identity
    if (this.#identity === identity) return
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: the store is keyed by ${this.#identity}, this sink by ${identity}. Give all sinks of a store the same key.`,
    )
  }

  /** Writes rows and, if given, stores the position: all of it or nothing. @throws `FENCED` */
  apply(rows: readonly KeyedRow<R>[], commit?: Commit): void {
    const copies = rows.map(({ row }) => copied(row))
    if (commit !== undefined) this.#ledger.commit(commit)
    for (const [i, { key }] of rows.entries()) this.#put(copies[i] as R, key)
    this.version++
  }

  #put(row: R, key: string | null): void {
    const place = key === null ? undefined : this.#places.get(key)
    if (place !== undefined) {
      this.#rows[place] = row
      return
    }
    if (key !== null) this.#places.set(key, this.#rows.length)
    this.#rows.push(row)
  }
}

/** The table behind a store. */
export function tableOf<R extends object>(where: string, store: MemoryStore<R> | undefined): MemoryTable<R> {
  if (store === undefined) return new MemoryTable<R>()
  if (store instanceof MemoryTable) return store
  throw new DroverError('OPTION_INVALID', `${where}: store is what memoryStore() gives.`)
}

/** A copy that shares nothing that can be changed; functions and instances of other classes stay what they are. */
function copied<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copied) as T
  if (value instanceof Uint8Array) return new Uint8Array(value) as T
  if (value instanceof Float32Array) return value.slice() as T
  if (value instanceof Date) return new Date(value) as T
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  // Not by assignment, which would take a field named __proto__ for the prototype.
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copied(inner)])) as T
}
