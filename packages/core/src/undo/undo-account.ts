import type { KeptRecord, SinkAccount } from '../contracts/report.js'

/** What became of the rows of one batch of an undo. */
export class Undone {
  restored = 0
  deleted = 0
  readonly kept: KeptRecord[] = []
}

const mostKept = 20

/** Adds up what became of the rows of an undo, once it is durable: the `account` of its sink. */
export class UndoAccount {
  readonly #figures = { restored: 0, deleted: 0, kept: 0 }
  readonly #kept: KeptRecord[] = []

  add({ restored, deleted, kept }: Undone): void {
    this.#figures.restored += restored
    this.#figures.deleted += deleted
    this.#figures.kept += kept.length
    this.#kept.push(...kept.slice(0, mostKept - this.#kept.length))
  }

  get account(): SinkAccount {
    return { figures: { ...this.#figures }, kept: [...this.#kept] }
  }
}
