import { quoteText } from '../connection/quote-name.js'
import type { SqliteIntegers } from '../connection/sqlite-connection.js'
import type { ReadColumn } from './relation.js'

/**
 * How SQLite writes a row as JSON: `object` as a line of an NDJSON file, in the same forms that core writes values in;
 * `array` by place, for our own decoding, where an integer that a JavaScript number cannot be is `["9007199254740993"]`.
 */
export type JsonShape = 'object' | 'array'

/** A column of the page's query, by the name that it has there. */
export interface JsonColumn {
  readonly value: string
  /** Holds where SQLite would write something else than core: then the row has to be read otherwise. */
  readonly isIrregular: readonly string[]
  /** Can hold a large text or blob. */
  readonly isSizable: boolean
}

/** Blobs stand behind everything else, and a comparison costs less than a function: https://www.sqlite.org/datatype3.html#sort_order */
const isBlob = (name: string): string => `${name} >= x''`

/** All digits of a double; SQLite's JSON functions give 15 of 17 in some versions. */
const digits = (name: string): string => `format('%!.17g', ${name})`

/**
 * Since when these digits are those of that double; 3.40 gives a neighbour's in one case of a thousand.
 * Tried with 3.52 and 3.53, 90,000 values each.
 */
export const exactDigitsSince = 3_052_000

const isUnsafe = (name: string): string => `${name} > 9007199254740991 OR ${name} < -9007199254740991`

export interface JsonOptions {
  readonly shape: JsonShape
  readonly integers: SqliteIntegers
  /** Only a table keeps what its columns' affinities promise; a view's column may be a union of several. */
  readonly isTable: boolean
  /** Whether SQLite writes all digits of a REAL. */
  readonly writesReals: boolean
}

export function jsonColumn(
  column: ReadColumn,
  name: string,
  { shape, integers, isTable, writesReals }: JsonOptions,
): JsonColumn {
  const isExact = column.isAny || integers === 'bigint'
  const type = `typeof(${name})`
  const isInfinite = `abs(${name}) > 1.7976931348623157e308`
  // The text of -0.0 has no sign. A table's column with an affinity stores it as 0.
  const isZero = `${name} = 0`
  const otherReal = (isStored: boolean): string =>
    writesReals ? (isStored ? isInfinite : `${isZero} OR ${isInfinite}`) : '1'
  const real = `WHEN 'real' THEN json(${digits(name)})`
  const asText = `json_array(CAST(${name} AS TEXT))`
  // A JSON function in a view marks its text as JSON, which would be embedded; joining takes the mark away.
  const text = isTable ? name : `${name} || ''`
  const plainInteger = shape === 'object' ? name : `CASE WHEN ${isUnsafe(name)} THEN ${asText} ELSE ${name} END`
  const integer = isExact && shape === 'array' ? asText : plainInteger
  if (column.isAny) {
    const long = shape === 'array' ? asText : `json_object('$numberLong', CAST(${name} AS TEXT))`
    const double =
      shape === 'array'
        ? `json(${digits(name)})`
        : `CASE WHEN ${name} = round(${name}) THEN json_object('$numberDouble', ${digits(name)}) ELSE json(${digits(name)}) END`
    return {
      value: `CASE ${type} WHEN 'text' THEN ${text} WHEN 'integer' THEN ${long} WHEN 'real' THEN ${double} ELSE NULL END`,
      isIrregular: [isBlob(name), `(${type} = 'real' AND (${otherReal(false)}))`],
      isSizable: true,
    }
  }
  switch (column.affinity) {
    case 'INTEGER':
      return {
        value: integer,
        isIrregular: column.isRowid ? [] : [`${type} NOT IN ('integer', 'null')`],
        isSizable: false,
      }
    case 'REAL':
      return {
        value: `CASE ${type} ${real} ELSE NULL END`,
        isIrregular: [`${type} NOT IN ('real', 'null')`, writesReals ? otherReal(isTable) : `${name} IS NOT NULL`],
        isSizable: false,
      }
    case 'TEXT':
      return {
        value: text,
        isIrregular: [isTable ? isBlob(name) : `${type} NOT IN ('text', 'null')`],
        isSizable: true,
      }
    default:
      return {
        value: `CASE ${type} ${real} WHEN 'integer' THEN ${integer} WHEN 'text' THEN ${text} ELSE NULL END`,
        isIrregular: [
          isBlob(name),
          `(${type} = 'real' AND (${otherReal(isTable)}))`,
          ...(shape === 'object' ? [`(${type} = 'integer' AND (${isUnsafe(name)}))`] : []),
        ],
        isSizable: true,
      }
  }
}

/** An object with a name for each value. */
export function jsonObject(names: readonly string[], values: readonly string[]): string {
  return `json_object(${names.map((name, i) => `${quoteText(name)}, ${values[i]}`).join(', ')})`
}
