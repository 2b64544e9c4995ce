import { DroverError, joinRefusals } from '@drover/core'

/** Records that a store refuses: the first error names the others, so that they are left out together. */
export class Refusals {
  readonly #refused: DroverError[] = []

  /**
   * Runs what makes rows of a record; undefined if it is refused.
   *
   * @param row The record's place in the page, or in the batch: the sink knows which its caller counts.
   */
  try<T>(row: number, make: () => T): T | undefined {
    try {
      return make()
    } catch (error) {
      if (!DroverError.isInstance(error, 'RECORD_REFUSED', 'RECORD_UNREADABLE')) throw error
      this.add(row, error.message, error)
      return undefined
    }
  }

  add(row: number, message: string, cause?: unknown): void {
    this.#refused.push(new DroverError('RECORD_REFUSED', message, { row, cause }))
  }

  /** @throws `RECORD_REFUSED` if there is any. */
  throwIfAny(): void {
    const refusal = joinRefusals(this.#refused)
    if (refusal !== undefined) throw refusal
  }
}
