/**
 * What source, step and sink of one backfill know together of its `set`. If it answers at once, with a value for each
 * column, SQLite can call it from the UPDATE itself: then rows need not be read before, nor found again by their keys.
 * That is a third of the work. As soon as it answers otherwise, rows go the usual way.
 */
export class Fusion {
  #verdict: 'unknown' | 'fits' | 'never' = 'unknown'

  get isOn(): boolean {
    return this.#verdict === 'fits'
  }

  /** `set` answered at once, and in full. */
  fits(): void {
    if (this.#verdict === 'unknown') this.#verdict = 'fits'
  }

  /** It gave a promise, null, or left a column out. */
  giveUp(): void {
    this.#verdict = 'never'
  }
}

/** Thrown within a statement: the rows of the page have to be read, and computed in a step. */
export class FusionMissed extends Error {}
