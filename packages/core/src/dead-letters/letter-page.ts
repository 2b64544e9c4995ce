import type { Page, RecordKey, SourceReject } from '../contracts/page.js'
import type { Cursor, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { DeadLetter } from './dead-letter.js'

/** The records of some letters; a letter without one is rejected again, for the reason it gives. */
export class LetterPage implements Page<Row> {
  readonly count: number
  readonly rejected?: readonly SourceReject[]
  readonly #whole: readonly DeadLetter[]
  #rows: readonly Row[] | undefined
  #keys: readonly RecordKey[] | undefined

  constructor(
    letters: readonly DeadLetter[],
    readonly cursor: Cursor,
    readonly bytes: number,
  ) {
    this.count = letters.length
    this.#whole = letters.filter(({ record }) => record !== null)
    const rejected = letters.filter(({ record }) => record === null).map(rejectOf)
    if (rejected.length > 0) this.rejected = rejected
  }

  rows(): readonly Row[] {
    this.#rows ??= this.#whole.map(({ record }) => record as Row)
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    this.#keys ??= this.#whole.map(({ id, key }) => ({ source: key ?? [id], child: 0 }))
    return this.#keys
  }

  slice(from: number, to: number): LetterPage {
    const part = this.#whole.slice(from, to)
    return new LetterPage(part, this.cursor, Math.ceil((this.bytes * part.length) / Math.max(1, this.count)))
  }
}

function rejectOf({ id, key, error, omitted, raw }: DeadLetter): SourceReject {
  const why = omitted === undefined ? error.message : `${error.message} The letter does not hold it: ${omitted}`
  return {
    key,
    error: new DroverError('RECORD_UNREADABLE', `The record of the dead letter ${id} cannot be sent again: ${why}`),
    ...(raw === undefined ? {} : { raw }),
  }
}
