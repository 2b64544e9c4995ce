import { DroverError, joinRefusals } from '@drover/core'

/** The records of a batch that are refused: all of them are told at once, so that the batch comes again once. */
export class Refusals {
  readonly #all: DroverError[] = []

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  /** Undefined if the record is refused. */
  collect<T>(work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      return this.#keep(error)
    }
  }

  async collectAsync(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#keep(error)
    }
  }

  /** @throws the first one, with the others */
  throwAny(): void {
    const refusal = joinRefusals(this.#all)
    if (refusal !== undefined) throw refusal
  }

  #keep(error: unknown): undefined {
    if (!DroverError.isInstance(error, 'RECORD_REFUSED') || error.row === undefined) throw error
    this.#all.push(error)
  }
}
