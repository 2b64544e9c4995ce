import type { Ask, ConnectOperation, StoreWait, WaitingFor } from '../contracts/stall.js'
import type { Operation } from '../contracts/values.js'

type Side = 'source' | 'sink' | 'state'

/** What an attempt waits for until its first partition is worked on, and whom to ask about it; sessions can be asked later on, too. */
export class Opening {
  readonly #asks = new Map<Side, Ask>()
  #waitsFor: WaitingFor = 'state'

  get waitsFor(): WaitingFor {
    return this.#waitsFor
  }

  at(what: WaitingFor): void {
    this.#waitsFor = what
  }

  /** What a session is connected with, so that it can be asked. */
  connecting(side: Side, operation: ConnectOperation): ConnectOperation {
    this.at(side)
    return { ...operation, whenStalled: (ask) => this.learn(side, ask) }
  }

  learn(side: Side, ask: Ask): void {
    this.#asks.set(side, ask)
  }

  askStore(operation: Operation): Promise<readonly StoreWait[]> {
    return this.ask(this.#waitsFor, operation)
  }

  async ask(side: WaitingFor, operation: Operation): Promise<readonly StoreWait[]> {
    const ask = this.#asks.get(side as Side)
    return ask === undefined ? [] : ask(operation)
  }
}
