import type { StateStore } from '@drover/core'
import { operation } from '../support/operation.js'
import type { StateStoreHarness } from './state-store-harness.js'

/** What the groups of the suite share: places, and stores open at them. */
export class StateStoreBench<H extends StateStoreHarness> {
  readonly durable: boolean

  constructor(
    private readonly factory: {
      readonly capabilities?: { readonly durable?: boolean }
      create(): Promise<H>
    },
  ) {
    this.durable = factory.capabilities?.durable !== false
  }

  /** A place with stores of as many processes open at it. A store that is not durable is the same one each time. */
  async with<T>(work: (place: Place<H>) => Promise<T>): Promise<T> {
    const place = new Place(await this.factory.create(), this.durable)
    try {
      return await work(place)
    } finally {
      await place.close()
    }
  }
}

export class Place<H extends StateStoreHarness> {
  readonly #open: StateStore[] = []

  constructor(
    readonly harness: H,
    private readonly durable: boolean,
  ) {}

  /** A store as another process would open it. */
  async store(): Promise<ReturnType<H['open']>> {
    const only = this.#open[0]
    if (!this.durable && only !== undefined) return only as ReturnType<H['open']>
    const store = this.untouched()
    await store.setup?.(operation())
    return store
  }

  /** Another one that was not asked for anything yet, nor to set up what it needs. */
  untouched(): ReturnType<H['open']> {
    const store = this.harness.open() as ReturnType<H['open']>
    this.#open.push(store)
    return store
  }

  /** Several of them. */
  async stores(count: number): Promise<ReturnType<H['open']>[]> {
    return await Promise.all(Array.from({ length: count }, () => this.store()))
  }

  async close(): Promise<void> {
    for (const store of this.#open) await store[Symbol.asyncDispose]()
    await this.harness[Symbol.asyncDispose]()
  }
}
