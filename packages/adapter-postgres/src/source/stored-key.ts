import { DroverError, type JsonValue } from '@drover/core'
import { quoteText } from '../connection/quote-name.js'
import type { Codec } from '../wire/codec.js'
import { codecFor } from '../wire/codec-for.js'
import { readInt32 } from '../wire/codecs/integer-codecs.js'
import { fieldAt } from '../wire/copy-layout.js'
import { wireType } from '../wire/wire-type.js'
import { keyColumns, type ReadColumn, type Relation } from './relation.js'

/** A key as cursors and bounds keep it: each value as the text that PostgreSQL reads as it, so that none is rounded. */
export type StoredKey = readonly string[]

/** Reads the key of a row of COPY binary; null where a column of it is. */
export type KeyReader = (bytes: Buffer, row: number) => StoredKey | null

export function keyReader(relation: Relation): KeyReader {
  const parts = relation.key.map((place) => {
    const { isPrinted, wire } = relation.reads[place] as ReadColumn
    return { place, codec: codecFor(isPrinted ? wireType('text') : wire, { json: 'text' }) as Codec }
  })
  return (bytes, row) => {
    const key: string[] = []
    for (const { place, codec } of parts) {
      const at = fieldAt(bytes, row, place)
      const length = readInt32(bytes, at)
      if (length < 0) return null
      key.push(codec.text(codec.decode(bytes, at + 4, length)))
    }
    return key
  }
}

/**
 * A stored key that is one of the relation's.
 *
 * @throws `STATE_INVALID`
 */
export function checkedKey(stored: JsonValue | undefined, relation: Relation): StoredKey {
  const columns = relation.key.length
  if (Array.isArray(stored) && stored.length === columns && stored.every((value) => typeof value === 'string')) {
    return stored
  }
  const shown = JSON.stringify(stored)?.slice(0, 100)
  throw new DroverError(
    'STATE_INVALID',
    `${relation.shown}: a stored cursor or bound is not a key of ${columns} columns: ${shown}. Start the run anew.`,
  )
}

/** `(a, b) > ('x', 'y')`: rows compare as a key does, by each column's own order and collation, and use its index. */
export function compareSql(relation: Relation, operator: '>' | '<=' | '=', key: StoredKey): string {
  const columns = keyColumns(relation)
  const values = columns.map((column, i) => literal(column, key[i] as string))
  if (columns.length === 1) return `${columns[0]?.sql} ${operator} ${values[0]}`
  return `(${columns.map(({ sql }) => sql).join(', ')}) ${operator} (${values.join(', ')})`
}

/** A key as messages show it. */
export function shownKey(key: StoredKey): string {
  return key.map((value) => JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value)).join(', ')
}

/** Without a type it becomes one of the column's, whatever that is; PostgreSQL does not do so for composite types. */
function literal({ isPrinted, native }: ReadColumn, text: string): string {
  return isPrinted ? `${quoteText(text)}::${native}` : quoteText(text)
}
