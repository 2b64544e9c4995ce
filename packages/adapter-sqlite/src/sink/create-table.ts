import { isDeepStrictEqual } from 'node:util'
import { DroverError, type Field, type LogicalType, type RecordSchema, suggestNames } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import { affinityOf, splitCollation } from '../schema/affinity.js'
import { logicalType } from '../schema/logical-type.js'

/**
 * The table for such records. A field that came from SQLite keeps the type it was declared with there; one from another
 * store gets a type that keeps its values as they are. The key keeps its collation, which says what is the same.
 *
 * @param constraints More that stands in the table, as SQL.
 * @throws `SINK_NOT_READY` if the key names a field that the records do not have.
 */
export function createTableSql(
  table: string,
  { fields }: RecordSchema,
  key: readonly string[],
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
  const [only] = key.length === 1 ? key : []
  const columns = fields.map((field) => {
    const type = columnType(field)
    const isRowid = field.name === only && type === 'INTEGER'
    const isRequired = !isRowid && (key.includes(field.name) || !field.nullable)
    return [
      quoteName(field.name),
      type,
      isRowid ? 'PRIMARY KEY' : isRequired ? 'NOT NULL' : '',
      isRowid || !key.includes(field.name) ? '' : collationOf(field),
    ]
      .filter((part) => part !== '')
      .join(' ')
  })
  const isKeyed = key.length > 0 && !columns.some((column) => column.endsWith(' PRIMARY KEY'))
  if (isKeyed) columns.push(`PRIMARY KEY (${key.map(quoteName).join(', ')})`)
  return `CREATE TABLE IF NOT EXISTS main.${quoteName(table)} (${[...columns, ...constraints].join(', ')})`
}

function columnType({ native = '', type }: Field): string {
  const declared = splitCollation(native).type
  return declared !== '' && isSqliteType(declared, type) ? declared : typeFor(type)
}

/** Keys that are one in SQLite's own table must not be two in the copy. */
export function collationOf({ native = '', type: logical }: Field): string {
  const { type, collation } = splitCollation(native)
  return collation === null || !isSqliteType(type, logical) ? '' : `COLLATE ${collation}`
}

/** Another store's name for a type may mean something else here: Postgres' `numeric` and `interval` would change values. */
function isSqliteType(native: string, type: LogicalType): boolean {
  if (!/^[\w ]*(?:\([\d, ]*\))?[\w ]*$/.test(native)) return false
  return isDeepStrictEqual(logicalType(native, affinityOf(native), false), type)
}

function typeFor(type: LogicalType): string {
  switch (type.kind) {
    case 'boolean':
    case 'int':
      return 'INTEGER'
    case 'float':
      return 'REAL'
    case 'bytes':
      return 'BLOB'
    case 'any':
      return ''
    default:
      return 'TEXT'
  }
}
