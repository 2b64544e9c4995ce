import { DroverError } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { sqlState } from '../errors/postgres-error.js'
import { logicalType, wireTypeOf } from './column-type.js'
import { type PostgresType, readTypes } from './read-types.js'
import type { Column, Table } from './table.js'

/** What the server says of a column of a result. */
interface ResultField {
  readonly name: string
  readonly dataTypeID: number
  readonly dataTypeModifier: number
}

/**
 * Finds out which columns a SELECT gives, without running it. Nothing is known of their nulls, keys and collations.
 *
 * @throws `OPTION_INVALID` if it is none or cannot be run, `SOURCE_NOT_FOUND` if it names a table or column that is not there.
 */
export async function readQuery(connection: PostgresConnection, query: string): Promise<Table> {
  // A comment may end the query, and with the line only.
  const sql = `(${query.trim().replace(/;+\s*$/, '')}\n)`
  const fields = await fieldsOf(connection, sql)
  const names = fields.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined)
    throw refused(connection, `two of its columns are called "${twice}"; name one of them otherwise`)
  if (names.length === 0) throw refused(connection, 'it gives no columns')
  const types = await readTypes(
    connection,
    fields.map(({ dataTypeID }) => dataTypeID),
  )
  const natives = await nativeNames(connection, fields)
  const columns = fields.map((field, i): Column => {
    const type = types.get(field.dataTypeID) as PostgresType
    const native = natives[i] as string
    return {
      name: field.name,
      type: logicalType(type, field.dataTypeModifier),
      native,
      wire: wireTypeOf(type, field.dataTypeModifier, native),
      isNullable: true,
      isGenerated: false,
      identity: null,
      hasDefault: false,
      sequence: null,
      collation: null,
    }
  })
  return {
    schema: null,
    name: 'query',
    kind: 'query',
    sql,
    oid: null,
    columns,
    primaryKey: [],
    uniqueKeys: [],
    uniqueIndexes: [],
    partitionedBy: [],
    estimatedRows: null,
    rights: ['SELECT'],
  }
}

async function fieldsOf(connection: PostgresConnection, sql: string): Promise<readonly ResultField[]> {
  try {
    // Not as a simple query, which may be several.
    const text = `SELECT * FROM ${sql} AS q LIMIT 0`
    const { fields } = await connection.run('looking at the query', (client) =>
      client.query({ text, queryMode: 'extended' } as { text: string }),
    )
    return fields
  } catch (error) {
    const { cause } = error as { readonly cause?: unknown }
    const state = sqlState(cause)
    const said = (cause as Error | undefined)?.message ?? ''
    if (['42P01', '42703', '42883', '3F000'].includes(state)) {
      throw new DroverError('SOURCE_NOT_FOUND', `${connection.name}: the query cannot be run: ${said}.`, { cause })
    }
    if (state.startsWith('42') && state !== '42501') throw refused(connection, said, cause)
    throw error
  }
}

/** The types as SQL writes them. */
async function nativeNames(connection: PostgresConnection, fields: readonly ResultField[]): Promise<readonly string[]> {
  const { rows } = await connection.query<{ native: string }>(
    `SELECT pg_catalog.format_type(t.oid, t.modifier) AS native
     FROM unnest($1::oid[], $2::int[]) WITH ORDINALITY AS t(oid, modifier, place) ORDER BY place`,
    [fields.map(({ dataTypeID }) => dataTypeID), fields.map(({ dataTypeModifier }) => dataTypeModifier)],
  )
  return rows.map(({ native }) => native)
}

function refused(connection: PostgresConnection, why: string, cause?: unknown): DroverError {
  return new DroverError('OPTION_INVALID', `${connection.name}: the query cannot be read: ${why}.`, { cause })
}
