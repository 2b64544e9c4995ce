import { isDeepStrictEqual } from 'node:util'
import { DroverError, type Field, type LogicalType, type RecordSchema, suggestNames } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { sqlState } from '../errors/postgres-error.js'
import { logicalType } from './column-type.js'
import { splitName } from './read-table.js'
import { readTypes } from './read-types.js'

/**
 * Creates the table for such records, unless it is there. A field that came from Postgres gets the type that it has there; one from
 * another store, or of a type that this database does not have, gets one that keeps its values as they are.
 *
 * @param constraints More that stands in the table, as SQL.
 * @throws `SINK_NOT_READY` if the key names a field that the records do not have, or the schema does not exist; `STORE_DENIED`.
 */
export async function createTable(
  connection: PostgresConnection,
  table: string,
  schema: RecordSchema,
  key: readonly string[],
  constraints: readonly string[] = [],
): Promise<void> {
  const known = await knownTypes(connection, schema.fields)
  await createByStatements(connection, table, [createTableSql(table, schema, key, known, connection.name, constraints)])
}

/**
 * Creates the table by statements that do nothing where it is there.
 *
 * @throws `SINK_NOT_READY` if the schema does not exist; `STORE_DENIED`.
 */
export async function createByStatements(
  connection: PostgresConnection,
  table: string,
  statements: readonly string[],
): Promise<void> {
  const doing = `creating table "${table}" of ${connection.name}`
  try {
    // Two that create the same table at once do not see each other, and one would fail on the catalogue's unique index.
    const create = async (): Promise<void> => {
      await connection.query('SELECT pg_catalog.pg_advisory_xact_lock(hashtextextended($1, 0))', [`drover ${table}`])
      for (const sql of statements) await connection.exec(sql, { doing })
    }
    await (connection.isInTransaction ? create() : connection.transaction(create))
  } catch (error) {
    if (sqlState((error as Error).cause) !== '3F000') throw error
    const [missing] = splitName(table)
    throw new DroverError(
      'SINK_NOT_READY',
      `${connection.name}: table "${table}" cannot be created, because there is no schema "${missing}": CREATE SCHEMA ${quoteName(missing ?? '')}`,
      { cause: (error as Error).cause },
    )
  }
}

/** What this database knows: types by the name that it prints, without length or precision. */
export type KnownTypes = ReadonlyMap<string, (modifier: number) => LogicalType>

/** @throws `SINK_NOT_READY` if the key names a field that the records do not have. */
export function createTableSql(
  table: string,
  { fields }: RecordSchema,
  key: readonly string[],
  known: KnownTypes,
  where: string,
  constraints: readonly string[] = [],
): string {
  const names = fields.map(({ name }) => name)
  for (const name of key) {
    if (!names.includes(name)) {
      throw new DroverError(
        'SINK_NOT_READY',
        `${where}: the key names "${name}", a field that the records do not have${suggestNames(name, names)}`,
      )
    }
  }
  const columns = fields.map((field) => {
    const isRequired = key.includes(field.name) || !field.nullable
    return `${quoteName(field.name)} ${columnType(field, known)}${isRequired ? ' NOT NULL' : ''}`
  })
  if (key.length > 0) columns.push(`PRIMARY KEY (${key.map(quoteName).join(', ')})`)
  const [schema, name] = splitName(table)
  const target = schema === null ? quoteName(name) : `${quoteName(schema)}.${quoteName(name)}`
  return `CREATE TABLE IF NOT EXISTS ${target} (${[...columns, ...constraints].join(', ')})`
}

/** The types of this database that the fields' own names of types may mean, and pgvector's. */
export async function knownTypes(connection: PostgresConnection, fields: readonly Field[]): Promise<KnownTypes> {
  const wanted = [...fields.flatMap(({ native }) => (native === undefined ? [] : [withoutModifier(native)])), 'vector']
  const { rows } = await connection.query<{ oid: number; name: string }>(
    `SELECT t.oid, f.name FROM pg_catalog.pg_type AS t
       CROSS JOIN LATERAL (VALUES (pg_catalog.format_type(t.oid, NULL)), (pg_catalog.format_type(t.oid, -1))) AS f(name)
     WHERE f.name = ANY($1) AND t.typtype IN ('b', 'd', 'e', 'r', 'm', 'c')`,
    [wanted],
  )
  const types = await readTypes(
    connection,
    rows.map(({ oid }) => oid),
  )
  return new Map(
    rows.flatMap(({ oid, name }) => {
      const type = types.get(oid)
      return type === undefined ? [] : [[name, (modifier: number) => logicalType(type, modifier)] as const]
    }),
  )
}

/** The type of a column for such a field, as SQL writes it. */
export function columnType({ native, type, holds }: Field, known: KnownTypes): string {
  // SQLite's name: such a column takes every type, and is made for bytes, which no JSON has.
  if (type.kind === 'any' && native !== undefined && /BLOB/i.test(native)) return 'bytea'
  if (holds === 'json' && native !== undefined && isOurType(native, withTextAsJson(type), known)) return native
  return native !== undefined && isOurType(native, type, known) ? native : typeFor(type, known)
}

function withTextAsJson(type: LogicalType): LogicalType {
  if (type.kind === 'list') return { kind: 'list', of: withTextAsJson(type.of) }
  return type.kind === 'text' ? { kind: 'json' } : type
}

/**
 * Another store's name for a type may mean something else here: SQLite's `REAL` has 64 bits, its `VARCHAR(10)` holds more than ten
 * letters. Postgres prints its types in one way only (`character varying(10)`), which others rarely do.
 */
function isOurType(native: string, type: LogicalType, known: KnownTypes): boolean {
  const found = known.get(withoutModifier(native))
  return found !== undefined && isDeepStrictEqual(shape(found(-1)), shape(type))
}

/** `timestamp(3) with time zone` → `timestamp with time zone`, `interval day to second(3)` → `interval` */
function withoutModifier(native: string): string {
  return native.replace(/\([\d, -]*\)/, '').replace(/^interval [a-z ]+(?=\[|$)/, 'interval')
}

/** The kind of a type without what a modifier says. */
function shape(type: LogicalType): unknown {
  switch (type.kind) {
    case 'decimal':
    case 'vector':
      return { kind: type.kind }
    case 'timestamp':
      return { kind: type.kind, zone: type.zone }
    case 'list':
      return { kind: type.kind, of: shape(type.of) }
    default:
      return type
  }
}

function typeFor(type: LogicalType, known: KnownTypes): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean'
    case 'int':
      return type.bits === 64 ? 'bigint' : type.bits === 32 ? 'integer' : 'smallint'
    case 'decimal':
      return decimalFor(type)
    case 'float':
      return type.bits === 32 ? 'real' : 'double precision'
    case 'text':
      return 'text'
    case 'bytes':
      return 'bytea'
    case 'date':
      return 'date'
    case 'time':
      return 'time without time zone'
    case 'timestamp':
      return type.zone ? 'timestamp with time zone' : 'timestamp without time zone'
    case 'uuid':
      return 'uuid'
    case 'list':
      return listFor(type.of, known)
    case 'vector':
      return vectorFor(type.dimensions, known)
    case 'json':
    case 'struct':
    case 'any':
      return 'jsonb'
  }
}

/** Postgres keeps 1,000 digits at the most when it is told how many; without being told, all. */
function decimalFor({ precision, scale = 0 }: { readonly precision?: number; readonly scale?: number }): string {
  return precision === undefined || precision > 1000 || scale < 0 || scale > precision
    ? 'numeric'
    : `numeric(${precision},${scale})`
}

/** What has no plain elements is JSON; lists of lists too, because rows of an array are all of one length. */
function listFor(of: LogicalType, known: KnownTypes): string {
  return ['list', 'struct', 'any', 'json', 'vector'].includes(of.kind) ? 'jsonb' : `${typeFor(of, known)}[]`
}

function vectorFor(dimensions: number, known: KnownTypes): string {
  if (!known.has('vector')) return 'real[]'
  return dimensions > 0 ? `vector(${dimensions})` : 'vector'
}
