import type { Outcome, Page, Row } from '@drover/core'
import { CommandBuffer } from './command-buffer.js'
import { KeyedDraft } from './keyed-draft.js'

/** One batch on its way into one script: its keys, each once, and the commands that make them. */
export class BatchDraft extends KeyedDraft {
  readonly commands = new CommandBuffer()
  /** Some key is no string: what is there in its place has to go first. */
  hasCollections = false
  /** Distinct keys of all rows. */
  distinct = 0

  override clear(): void {
    super.clear()
    this.commands.clear()
    this.hasCollections = false
    this.distinct = 0
  }

  override add(page: Page<Row>): void {
    super.add(page)
    this.distinct = this.keys.count
  }

  /** Makes the commands again, now that it is known which of the keys are there: those are merged, or left alone. */
  redraft(isThere: (number: number) => boolean): void {
    const isMerge = this.options.policy === 'merge'
    const { writer, keyOf } = this.options
    const written = new Set<number>()
    this.keys.clear()
    this.commands.clear()
    this.retake((record, number) => {
      const isMet = written.has(number)
      if (!isMerge && (isMet || isThere(number))) return
      written.add(number)
      const found = this.keys.add(keyOf(record))
      const own = found < 0 ? this.keys.count - 1 : found
      this.#write(record, writer.expiryOf(record), own, isMet || isThere(number))
    })
  }

  /** @param there How many of the distinct keys were there before. */
  outcome(there: number): Outcome {
    const { rows } = this
    const inserted = this.distinct - there
    const skipped = this.options.policy === 'skip' ? rows - inserted : this.lapsed
    return { inserted, updated: rows - inserted - skipped, skipped }
  }

  /** A merge takes the keys alone, as long as nobody knows which of them are there. */
  protected override take(record: Row, expiry: number | null, number: number, isFirst: boolean): void {
    const { policy } = this.options
    if (policy === 'merge' || (policy === 'skip' && !isFirst)) return
    if (!isFirst) {
      this.commands.open('UNLINK')
      this.commands.key(number)
    }
    this.#write(record, expiry, number, false)
  }

  #write(record: Row, expiry: number | null, number: number, isThere: boolean): void {
    const isCollection = this.options.writer.write(record, expiry, number, this.commands, isThere)
    if (isCollection) this.hasCollections = true
  }
}
