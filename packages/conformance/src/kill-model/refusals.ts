import { DroverError, type Page, type Row } from '@drover/core'

/**
 * How the store says that it will not take a row: with the row's place, without, or only when the batch is committed, as a
 * deferred constraint does.
 */
export type RefusalKind = 'tells' | 'silent' | 'deferred'

export interface Refusals {
  readonly kind: RefusalKind
  readonly refuses: (row: Row) => boolean
}

/** Stands in for a store's constraints over one batch. */
export class RefusalWatch {
  #rows = 0
  #deferred = false

  constructor(private readonly refusals: Refusals | undefined) {}

  /** @throws `RECORD_REFUSED` */
  see(page: Page): void {
    if (this.refusals === undefined) return
    const place = page.rows().findIndex(this.refusals.refuses)
    if (place >= 0) {
      if (this.refusals.kind !== 'deferred')
        throw refused(this.refusals.kind === 'tells' ? this.#rows + place : undefined)
      this.#deferred = true
    }
    this.#rows += page.rows().length
  }

  /** At the end of a batch. @throws `RECORD_REFUSED` */
  settle(): void {
    if (this.#deferred) throw refused()
  }
}

function refused(row?: number): DroverError {
  const message = 'The store of the kill model will not take a row.'
  return new DroverError('RECORD_REFUSED', message, row === undefined ? {} : { row })
}
