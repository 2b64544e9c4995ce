import type { RecordSchema, Row } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { Column } from '../schema/table.js'
import type { Sql } from './sql.js'

/** What a source reads: which columns of which table, view or query, by which key. */
export interface Relation {
  /** Quoted, as it stands behind FROM. */
  readonly sql: string
  /** `table "messages"`, for messages. */
  readonly shown: string
  /** What is read of each row: first the fields of a record, then what only the key or the filter needs. */
  readonly reads: readonly ReadColumn[]
  /** How many of `reads` are fields. */
  readonly fields: number
  /** Places of the key's columns in `reads`. */
  readonly key: readonly number[]
  /** What has to be looked at before the key can be relied on: nothing, nulls, or nulls and duplicates. */
  readonly doubts: 'none' | 'nulls' | 'nulls and duplicates'
  /** The part of the option `where` that SQLite does. */
  readonly where: Sql | null
  /** The other part. It gets the record with all of `reads`. */
  readonly keep: ((record: Row) => boolean) | null
  /** A table, not a view or query: what is in its columns is what their affinities promise. */
  readonly isTable: boolean
  /** Whether it can be found in the file by other connections. */
  readonly isStored: boolean
}

export interface ReadColumn extends Column {
  /** As SQL names it, quoted where it needs to be. */
  readonly sql: string
  /** Each value brings its own type, and 1 and 1.0 are two values. */
  readonly isAny: boolean
  /** The rowid itself, which nothing but an INTEGER can be. */
  readonly isRowid: boolean
}

export function readColumn(column: Column, rowidAlias: string | null): ReadColumn {
  return {
    ...column,
    sql: quoteName(column.name),
    isAny: column.type.kind === 'any',
    isRowid: column.name === rowidAlias,
  }
}

/** The column that a table without a key is read by. */
export function rowidColumn(name: string): ReadColumn {
  return {
    name,
    sql: name,
    declared: 'INTEGER',
    affinity: 'INTEGER',
    type: { kind: 'int', bits: 64 },
    isNullable: false,
    isGenerated: false,
    isAny: false,
    isRowid: true,
  }
}

export function schemaOf(relation: Relation): RecordSchema {
  const fields = relation.reads.slice(0, relation.fields)
  const isKeyVisible = relation.key.every((place) => place < relation.fields)
  return {
    fields: fields.map(({ name, type, isNullable, declared }) => ({
      name,
      type,
      nullable: isNullable,
      ...(declared === '' ? {} : { native: declared }),
    })),
    key: isKeyVisible ? relation.key.map((place) => (relation.reads[place] as ReadColumn).name) : [],
  }
}
