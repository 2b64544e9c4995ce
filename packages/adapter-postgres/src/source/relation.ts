import type { LogicalType, RecordSchema, Row } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { Column, Table } from '../schema/table.js'
import { codecFor } from '../wire/codec-for.js'
import { type WireColumn, wireType } from '../wire/wire-type.js'

/** What a source reads: which columns of which table, view or query, by which key. */
export interface Relation {
  /** As it stands behind FROM; every piece of SQL calls it `d`. */
  readonly sql: string
  readonly kind: Table['kind']
  /** `db.example.org/chat, table "messages"`, for messages. */
  readonly shown: string
  /** What is read of each row: first the fields of a record, then what only the key or the filter needs. */
  readonly reads: readonly ReadColumn[]
  /** How many of `reads` are fields. */
  readonly fields: number
  /** Places of the key's columns in `reads`. */
  readonly key: readonly number[]
  /** What has to be looked at before the key can be relied on: nothing, nulls, or nulls and duplicates. */
  readonly doubts: 'none' | 'nulls' | 'nulls and duplicates'
  /** The part of the option `where` that PostgreSQL does. */
  readonly where: string | null
  /** The other part, and the fields that it looks at. */
  readonly keep: { readonly fields: readonly string[]; readonly test: (record: Row) => boolean } | null
  /** The fields are all columns that there were. */
  readonly isWhole: boolean
  /** What a SELECT of them gave when the session began, as PostgreSQL describes results. */
  readonly shape: readonly ResultColumn[]
  /** As ANALYZE counted rows last; null if it never did, or nobody counts them. */
  readonly estimatedRows: number | null
  /** Texts are stored as UTF-8, so that their bytes are in the order of code points. */
  readonly isUtf8: boolean
}

export interface ResultColumn {
  readonly name: string
  readonly type: number
  readonly modifier: number
}

export interface ReadColumn extends Column {
  /** As SQL names it: `d."id"`. */
  readonly sql: string
  /** It has no binary form and is read as the text that PostgreSQL prints. */
  readonly isPrinted: boolean
}

export function readColumn(column: Column): ReadColumn {
  return { ...column, sql: `d.${quoteName(column.name)}`, isPrinted: codecFor(column.wire) === undefined }
}

/** As it stands behind SELECT. */
export function selected({ sql, isPrinted }: ReadColumn): string {
  return isPrinted ? `${sql}::text` : sql
}

/** The columns as they come on the wire. */
export function wireColumns({ reads, fields }: Relation): readonly WireColumn[] {
  return reads.map(({ name, wire, isPrinted }, i) => ({
    name,
    type: isPrinted ? wireType('text') : wire,
    ...(i < fields ? {} : { isHidden: true }),
  }))
}

/** The key's columns. */
export function keyColumns({ key, reads }: Relation): readonly ReadColumn[] {
  return key.map((place) => reads[place] as ReadColumn)
}

export function keyNames(relation: Relation): string {
  return keyColumns(relation)
    .map(({ name }) => name)
    .join(', ')
}

/** @param json What json columns are in records: where they are text, their type is. */
export function schemaOf(relation: Relation, json: 'value' | 'text'): RecordSchema {
  const { reads, fields, key } = relation
  return {
    fields: reads.slice(0, fields).map(({ name, type, isNullable, native }) => ({
      name,
      type: json === 'text' ? withJsonAsText(type) : type,
      nullable: isNullable,
      native,
      ...(json === 'text' && isJson(type) ? { holds: 'json' as const } : {}),
    })),
    key: key.every((place) => place < fields) ? keyColumns(relation).map(({ name }) => name) : [],
  }
}

function withJsonAsText(type: LogicalType): LogicalType {
  if (type.kind === 'list') return { kind: 'list', of: withJsonAsText(type.of) }
  return type.kind === 'json' ? { kind: 'text' } : type
}

function isJson(type: LogicalType): boolean {
  return type.kind === 'list' ? isJson(type.of) : type.kind === 'json'
}
