import type { Field, Row } from '@drover/core'
import { openPostgres } from '../connection/open-postgres.js'
import { quoteName } from '../connection/quote-name.js'

/** Rows as records of these fields, as a source would give them; none if there is no such table. */
export async function readRows(
  url: string,
  table: string,
  fields: readonly Pick<Field, 'name' | 'type'>[],
): Promise<Row[]> {
  const operation = { signal: new AbortController().signal }
  await using database = await openPostgres({ connection: url }, operation)
  const { rows: found } = await database.query('SELECT to_regclass($1) AS there', [table], operation)
  if (found[0]?.there === null) return []
  const columns = fields.map(({ name, type }) => {
    const digits = type.kind === 'timestamp' ? (type.digits === 3 ? 'MS' : 'US') : ''
    const value = `to_char(${quoteName(name)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.${digits}"Z"')`
    return type.kind === 'timestamp' ? `${value} AS ${quoteName(name)}` : quoteName(name)
  })
  const { rows } = await database.query(`SELECT ${columns.join(', ')} FROM ${table}`, [], operation)
  return rows.map((row) => Object.fromEntries(fields.map(({ name, type }) => [name, shownValue(row[name], type.kind)])))
}

function shownValue(value: unknown, kind: Field['type']['kind']): unknown {
  return kind === 'vector' && typeof value === 'string'
    ? new Float32Array(JSON.parse(value.replace('{', '[').replace('}', ']')))
    : value
}
