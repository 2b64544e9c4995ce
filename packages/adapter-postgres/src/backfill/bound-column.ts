import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { Column } from '../schema/table.js'
import type { Codec } from '../wire/codec.js'
import { codecFor } from '../wire/codec-for.js'
import type { InvalidText } from '../wire/codecs/text-codec.js'
import { oids, wireType } from '../wire/wire-type.js'

/** A column whose values travel as an array, one for each record of a statement. */
export interface BoundColumn extends Column {
  /** Its type without a length or precision, which would cut values off rather than refuse them, and without domains. */
  readonly sqlType: string
  /** Of the parameter: an array of that type, or of texts that the server reads as it. */
  readonly arrayType: string
  readonly element: ArrayElement
}

/** How a value becomes an element of a binary array. */
export interface ArrayElement {
  readonly oid: number
  readonly codec: Codec
  /** The codec's text is sent, and not its binary form. */
  readonly isText: boolean
}

export interface BindingOptions {
  /** What a string is in a json column. */
  readonly json: 'value' | 'text'
  readonly invalidText: InvalidText
}

/** Finds out how values of the columns travel. */
export async function boundTo(
  connection: PostgresConnection,
  columns: readonly Column[],
  options: BindingOptions,
): Promise<BoundColumn[]> {
  const { rows } = await connection.query<{ wanted: number; oid: number; type: string }>(underlyingSql, [
    columns.map(({ wire }) => wire.oid),
  ])
  const found = new Map(rows.map((row) => [row.wanted, row]))
  return columns.map((column) => {
    const { oid, type } = found.get(column.wire.oid) ?? { oid: column.wire.oid, type: column.native }
    const codec = codecFor(column.wire, options)
    // The elements of an array of arrays would be theirs.
    if (codec !== undefined && column.wire.base !== 'array') {
      return { ...column, sqlType: type, arrayType: `${type}[]`, element: { oid, codec, isText: false } }
    }
    const element = { oid: oids.text, codec: codec ?? printedCodec(options), isText: true }
    return { ...column, sqlType: type, arrayType: 'text[]', element }
  })
}

const underlyingSql = `
  WITH RECURSIVE under (wanted, oid) AS (
    SELECT wanted, wanted FROM unnest($1::oid[]) AS wanted
    UNION
    SELECT under.wanted, t.typbasetype FROM under JOIN pg_catalog.pg_type AS t ON t.oid = under.oid WHERE t.typtype = 'd')
  SELECT under.wanted, under.oid, pg_catalog.format_type(under.oid, -1) AS type
  FROM under JOIN pg_catalog.pg_type AS t ON t.oid = under.oid WHERE t.typtype <> 'd'`

/** For a type without a codec: the server reads its values from their text. */
function printedCodec(options: BindingOptions): Codec {
  const text = codecFor(wireType('text'), options) as Codec
  const plain = (value: unknown): unknown =>
    typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : value
  return { ...text, text: (value) => text.text(plain(value)) }
}
