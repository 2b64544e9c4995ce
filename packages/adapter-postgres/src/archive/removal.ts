import type { KeptRecord, SinkAccount } from '@drover/core'

/** What became of the rows of one batch. */
export class Removal {
  verified = 0
  deleted = 0
  different = 0
  /** Somebody has locked, changed or deleted them meanwhile. */
  gone = 0
  readonly kept: KeptRecord[] = []
}

const mostKept = 20

/** Adds up what became of rows, once it is durable. */
export class RemovalAccount {
  readonly #figures = { verified: 0, deleted: 0, different: 0, gone: 0 }
  readonly #kept: KeptRecord[] = []
  /** Rows that were copied, by the run that copied; and those that match and are still in the table. */
  copied: number | undefined
  left: number | undefined

  add({ kept, ...figures }: Removal): void {
    for (const name of ['verified', 'deleted', 'different', 'gone'] as const) this.#figures[name] += figures[name]
    this.#kept.push(...kept.slice(0, mostKept - this.#kept.length))
  }

  get account(): SinkAccount {
    const { copied, left } = this
    return {
      figures: {
        ...(copied === undefined ? {} : { copied }),
        ...this.#figures,
        ...(left === undefined ? {} : { left }),
      },
      kept: this.#kept,
    }
  }

  /** Takes what is still in the table, if every row that was not deleted can be told from it. */
  keep(records: readonly KeptRecord[]): void {
    if (this.#figures.different > this.#kept.length) return
    const known = new Set(this.#kept.map(({ key }) => JSON.stringify(key)))
    const others = records.filter(({ key }) => !known.has(JSON.stringify(key)))
    this.#kept.push(...others.slice(0, mostKept - this.#kept.length))
  }
}
