import type { Row } from '../contracts/values.js'
import type { Rows } from './chain.js'

/** What one record became: a row, several, or none. */
export type Family = Row | readonly Row[] | null

/** Gathers what comes out of a stage, and owners only from the first record on that did not become exactly one row. */
export class FamilyCollector {
  readonly #out: Row[] = []
  #owners: number[] | null

  constructor(private readonly input: Rows) {
    this.#owners = input.owners === null ? null : []
  }

  /** The source record of the row at `place` of the input. */
  ownerOf(place: number): number {
    return this.input.owners === null ? place : (this.input.owners[place] as number)
  }

  push(place: number, row: Row): void {
    this.#out.push(row)
    if (this.#owners !== null) this.#owners.push(this.ownerOf(place))
  }

  add(place: number, family: Family): void {
    if (family !== null && !Array.isArray(family)) {
      this.push(place, family as Row)
      return
    }
    this.diverge(place)
    if (family === null) return
    for (const row of family as readonly Row[]) this.push(place, row)
  }

  /** The record at `place` does not become exactly one row: from here on owners are kept. */
  diverge(place: number): void {
    this.#owners ??= Array.from({ length: place }, (_, i) => i)
  }

  rows(): Rows {
    return { rows: this.#out, owners: this.#owners }
  }
}
