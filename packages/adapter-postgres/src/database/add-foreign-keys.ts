import { type BrokenKey, type DatabaseTable, DroverError, type ForeignKey, foreignKeysBroken } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { sqlState } from '../errors/postgres-error.js'
import { requireTable } from '../schema/read-table.js'
import { quoteTable, type Table } from '../schema/table.js'
import { isSameKey, readForeignKeys } from './foreign-keys.js'

/** While it waits, everybody else who wants the table waits behind it. */
const longestWaitMs = 5_000
const mostExamples = 3
const foreignKeyViolation = '23503'

/**
 * Adds the foreign keys that are missing, each in two steps: `NOT VALID` needs the tables for a moment, and validating it lets others
 * read and write meanwhile. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
 *
 * @throws `FOREIGN_KEY_BROKEN` once all that hold are there; `STORE_BUSY` if somebody keeps a table locked
 */
export async function addForeignKeys(
  connection: PostgresConnection,
  schema: string,
  tables: readonly DatabaseTable[],
  lockTimeoutMs = longestWaitMs,
): Promise<void> {
  const alter = (sql: string, doing: string): Promise<void> =>
    connection.transaction(() => connection.exec(sql, { doing }), { lockTimeoutMs })
  const broken: BrokenKey[] = []
  for (const { name, foreignKeys } of tables) {
    if (foreignKeys.length === 0) continue
    const table = await requireTable(connection, `${schema}.${name}`)
    for (const key of foreignKeys) {
      const doing = `adding the foreign key (${key.columns.join(', ')}) of ${table.sql} in ${connection.name}`
      try {
        if ((await found(key, name)) === undefined) await alter(addSql(schema, table, key), doing)
        const added = await found(key, name)
        if (added?.isValidated === false)
          await alter(`ALTER TABLE ${table.sql} VALIDATE CONSTRAINT ${quoteName(added.name)}`, doing)
      } catch (error) {
        if (sqlState((error as Error).cause) !== foreignKeyViolation) throw error
        broken.push(await brokenKey(connection, schema, table, key))
      }
    }
  }
  if (broken.length > 0) throw foreignKeysBroken(connection.name, broken)

  async function found(key: ForeignKey, table: string) {
    const declared = await readForeignKeys(connection, schema)
    return declared.find((one) => one.table === table && isSameKey(one, schema, key))
  }
}

function addSql(schema: string, table: Table, key: ForeignKey): string {
  const { name, columns, references, referencedColumns, onDelete, onUpdate, isDeferred } = key
  const names = (list: readonly string[]): string => list.map(quoteName).join(', ')
  return [
    `ALTER TABLE ${table.sql} ADD`,
    name === undefined ? '' : `CONSTRAINT ${quoteName(name)}`,
    `FOREIGN KEY (${names(columns)}) REFERENCES ${quoteTable(schema, references)} (${names(referencedColumns)})`,
    onDelete === undefined ? '' : `ON DELETE ${onDelete.toUpperCase()}`,
    onUpdate === undefined ? '' : `ON UPDATE ${onUpdate.toUpperCase()}`,
    isDeferred === true ? 'DEFERRABLE INITIALLY DEFERRED' : '',
    // A partitioned table takes none that is not validated.
    table.kind === 'table' ? 'NOT VALID' : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
}

async function brokenKey(
  connection: PostgresConnection,
  schema: string,
  table: Table,
  { columns, references, referencedColumns }: ForeignKey,
): Promise<BrokenKey> {
  const children = columns.map((column) => `c.${quoteName(column)}`)
  const equal = referencedColumns.map((column, i) => `p.${quoteName(column)} = ${children[i]}`)
  const { rows } = await connection.query<{ shown: string; total: number }>(
    `SELECT concat_ws(', ', ${children.map((child) => `${child}::text`).join(', ')}) AS shown, count(*) OVER () AS total
     FROM ${table.sql} AS c
     WHERE ${children.map((child) => `${child} IS NOT NULL`).join(' AND ')}
       AND NOT EXISTS (SELECT FROM ${quoteTable(schema, references)} AS p WHERE ${equal.join(' AND ')})
     LIMIT ${mostExamples}`,
    [],
    { doing: `looking for rows of ${table.sql} that refer to rows that are not there` },
  )
  if (rows[0] === undefined)
    throw new DroverError(
      'STORE_BUSY',
      `${connection.name}: rows of ${table.sql} referred to rows of "${references}" that were not there, and now they are: somebody writes to it meanwhile.`,
      { isRetryable: true },
    )
  const { total } = rows[0]
  return { table: table.name, columns, references, rows: Number(total), examples: rows.map(({ shown }) => shown) }
}
