import type { Row } from '../contracts/values.js'
import type { RowCodes } from './row-codes.js'
import type { PagePlace, VerifiedPage } from './verified-flow.js'

export type PairingKey = string | number

/** The rows of one side as they come, each with its key. */
export class RowStream {
  /** Of the page in hand. */
  place: PagePlace = { after: null, records: 0 }
  /** Of a row of this page, about. */
  rowBytes = 0
  /** Every key was of the same sort as the one before, and not less. */
  isAscending = true
  hasEnded = false
  #rows: readonly Row[] = []
  #keys: readonly PairingKey[] = []
  #at = 0
  #last: PairingKey | undefined

  constructor(
    private readonly pages: AsyncIterator<VerifiedPage>,
    private readonly codes: RowCodes,
  ) {}

  /** The page in hand is used up, and there may be another one. */
  get needsPage(): boolean {
    return this.#at >= this.#rows.length && !this.hasEnded
  }

  /** Undefined at the end of the page. */
  get key(): PairingKey | undefined {
    return this.#keys[this.#at]
  }

  /** No lesser key is still to come, if keys ascend; undefined if nothing is known of them. */
  get least(): PairingKey | undefined {
    return this.key ?? this.#last
  }

  get row(): Row {
    return this.#rows[this.#at] as Row
  }

  advance(): void {
    this.#at++
  }

  async nextPage(): Promise<void> {
    const next = await this.pages.next()
    if (next.done === true) {
      this.hasEnded = true
      return
    }
    const { rows, place, bytes } = next.value
    this.#rows = rows
    this.#at = 0
    this.place = place
    this.rowBytes = rows.length === 0 ? 0 : bytes / rows.length
    this.#keys = rows.map((row) => this.codes.pairingKeyOf(row))
    for (const key of this.#keys) this.#follow(key)
  }

  async close(): Promise<void> {
    await this.pages.return?.()
  }

  #follow(key: PairingKey): void {
    const last = this.#last
    this.#last = key
    if (last !== undefined && (typeof last !== typeof key || last > key)) this.isAscending = false
  }
}
