import type {
  Commit,
  Control,
  Held,
  JsonValue,
  Lease,
  NewRun,
  Operation,
  Partition,
  RunState,
  RunStatus,
  Settlement,
  StateStore,
} from '@drover/core'

/** A state store of a package that is loaded when the store is first asked for something. */
export class LazyStateStore implements StateStore {
  readonly specVersion = 1
  #store: Promise<StateStore> | undefined

  constructor(
    readonly name: string,
    private readonly make: () => Promise<StateStore>,
  ) {}

  async setup(operation: Operation): Promise<void> {
    await (await this.#made()).setup?.(operation)
  }

  async open(run: NewRun, operation: Operation): Promise<RunState> {
    return (await this.#made()).open(run, operation)
  }

  async load(name: string, operation: Operation): Promise<RunState | null> {
    return (await this.#made()).load(name, operation)
  }

  async *list(options: Operation & { readonly status?: RunStatus }): AsyncIterable<RunState> {
    yield* (await this.#made()).list(options)
  }

  async acquire(
    want: { readonly run: string; readonly partition: Partition; readonly holder: string; readonly ttlMs: number },
    operation: Operation,
  ): Promise<Lease | Held> {
    return (await this.#made()).acquire(want, operation)
  }

  async heartbeat(
    lease: Lease,
    options: Operation & { readonly ttlMs: number; readonly telling?: JsonValue },
  ): Promise<Control> {
    return (await this.#made()).heartbeat(lease, options)
  }

  async release(lease: Lease, operation: Operation): Promise<void> {
    await (await this.#made()).release(lease, operation)
  }

  async control(run: string, wanted: Partial<Control>, operation: Operation): Promise<void> {
    await (await this.#made()).control(run, wanted, operation)
  }

  async commit(commit: Commit, operation: Operation): Promise<void> {
    await (await this.#made()).commit(commit, operation)
  }

  async settle(run: string, settlement: Settlement, operation: Operation): Promise<void> {
    await (await this.#made()).settle(run, settlement, operation)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#store)?.[Symbol.asyncDispose]()
  }

  #made(): Promise<StateStore> {
    this.#store ??= this.make()
    return this.#store
  }
}
