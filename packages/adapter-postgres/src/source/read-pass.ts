import { type Cursor, DroverError, type ReadOptions } from '@drover/core'
import { readInt32 } from '../wire/codecs/integer-codecs.js'
import type { CopyRows } from '../wire/copy-format.js'
import { fieldAt } from '../wire/copy-layout.js'
import { CopyPage } from '../wire/copy-page.js'
import { duplicateKey, refuseDuplicatesOf } from './check-key.js'
import { copyRead } from './copy-read.js'
import { chosenRows } from './kept-rows.js'
import { type KeyRange, rangeSql } from './key-range.js'
import { asking, type ReadSettings } from './read-settings.js'
import { keyNames, type Relation } from './relation.js'
import { allOfSql } from './sql.js'
import { type KeyReader, keyReader, type StoredKey } from './stored-key.js'

/** One way through a range of keys. */
export interface PassWanted extends Pick<ReadOptions, 'signal' | 'page'> {
  readonly range: KeyRange
  /** What its rows have to fulfil besides. */
  readonly filter: string | null
  /** The cursor of a page that ends with that key. */
  readonly cursorAt: (key: StoredKey) => Cursor
}

/** Reads pages in the order of the key, each with a cursor behind its last record; by as many statements as it takes. */
export class PassReader {
  readonly #keyAt: KeyReader

  constructor(private readonly settings: ReadSettings) {
    this.#keyAt = keyReader(settings.relation)
  }

  async *read({ signal, page, range, filter, cursorAt }: PassWanted): AsyncGenerator<CopyPage, void, undefined> {
    const { relation } = this.settings
    for (let { after } = range; ; ) {
      const where = allOfSql([relation.where, filter, rangeSql(relation, { ...range, after })])
      const rows = copyRead(this.settings, { signal, where, page })
      let isLast = false
      try {
        for (;;) {
          const next = await rows.next()
          if (next.done === true) {
            isLast = next.value
            break
          }
          const key = this.#lastKey(next.value)
          yield this.#page(next.value, cursorAt(key))
          after = key
        }
      } finally {
        await rows.return(false)
      }
      if (isLast) return
      await this.#refuseDuplicatesAt(after, signal)
    }
  }

  /** Those that come behind the last record of a page nobody would see. */
  async #refuseDuplicatesAt(key: StoredKey | null, signal: AbortSignal): Promise<void> {
    const { relation } = this.settings
    if (key === null || relation.doubts !== 'nulls and duplicates') return
    await asking(this.settings, { signal }, (connection) => refuseDuplicatesOf(connection, relation, key))
  }

  #lastKey({ bytes, starts }: CopyRows): StoredKey {
    const { relation } = this.settings
    const repeated = relation.doubts === 'nulls and duplicates' ? relation.reads.length : -1
    if (repeated >= 0) {
      for (const row of starts) if (isTrue(bytes, row, repeated)) throw duplicateKey(relation, this.#key(bytes, row))
    }
    return this.#key(bytes, starts.at(-1) as number)
  }

  #key(bytes: Buffer, row: number): StoredKey {
    const key = this.#keyAt(bytes, row)
    if (key !== null) return key
    throw nullKey(this.settings.relation)
  }

  #page(rows: CopyRows, cursor: Cursor): CopyPage {
    const { relation, layout } = this.settings
    const kept = relation.keep === null ? rows : chosenRows(rows, layout, relation.keep)
    return new CopyPage(layout, kept, cursor)
  }
}

function isTrue(bytes: Buffer, row: number, place: number): boolean {
  const at = fieldAt(bytes, row, place)
  return readInt32(bytes, at) === 1 && bytes[at + 4] === 1
}

/** One that came after the first look at them. */
function nullKey(relation: Relation): DroverError {
  return new DroverError(
    'KEY_INVALID',
    `${relation.shown}: the key (${keyNames(relation)}) is null in a record. ` +
      'Give it a key, leave it out by the option where, or name another key.',
  )
}
