import { type Fetched, isMissing } from './key-fetch.js'

/** Keys that are asked for before anything is known of what they hold. */
const first = 16
/** However small the ones before were: what comes may be of another kind. */
const growth = 8

/** How many keys to ask for at once, learned from those that came. */
export class PageSize {
  keys: number
  /** Bytes of a key and its value, the last ones counting most. */
  #mean = 0

  constructor(private readonly page: { readonly records: number; readonly bytes: number }) {
    this.keys = Math.min(first, page.records)
  }

  learn(fetched: readonly Fetched[]): void {
    let bytes = 0
    for (const one of fetched) if (!isMissing(one) && 'size' in one) bytes += one.size
    const mean = Math.max(bytes / Math.max(fetched.length, 1), 1)
    this.#mean = this.#mean === 0 ? mean : Math.max((this.#mean + mean) / 2, mean)
    const fitting = Math.max(1, Math.floor(this.page.bytes / this.#mean))
    this.keys = Math.min(fitting, this.page.records, this.keys * growth)
  }
}
