import { DroverError } from '@drover/core'
import type { UpdatePlan } from '../backfill/update-plan.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { referencesTo } from '../schema/references.js'
import type { Table } from '../schema/table.js'

/** A table whose foreign key lets PostgreSQL delete or change its rows together with a row that they refer to. */
export interface Dependent {
  readonly table: string
  readonly columns: readonly string[]
  /** Of the table that is referred to, in the same order. */
  readonly refersTo: readonly string[]
}

/** Foreign keys with ON DELETE CASCADE, SET NULL or SET DEFAULT; all others refuse the DELETE by themselves. */
export async function dependentsOf(connection: PostgresConnection, table: Table): Promise<readonly Dependent[]> {
  return (await referencesTo(connection, table)).filter(({ follows }) => follows)
}

/** Whether rows of the dependent refer to a row of the table, which goes by its own name. */
export function refersSql({ table, columns, refersTo }: Dependent, to: Pick<UpdatePlan['table'], 'name'>): string {
  const equal = columns.map(
    (column, i) => `drover_d.${quoteName(column)} = ${quoteName(to.name)}.${quoteName(refersTo[i] as string)}`,
  )
  return `EXISTS (SELECT FROM ${table} AS drover_d WHERE ${equal.join(' AND ')})`
}

/**
 * Refuses a table from which others inherit: a DELETE takes their rows too, without the columns that only they have.
 *
 * @throws `OPTION_INVALID`
 */
export async function refuseHeirs(connection: PostgresConnection, { oid, kind }: Table, where: string): Promise<void> {
  if (kind !== 'table') return
  const { rows } = await connection.query<{ heir: string }>(
    'SELECT inhrelid::regclass::text AS heir FROM pg_catalog.pg_inherits WHERE inhparent = $1 LIMIT 1',
    [oid],
  )
  const [found] = rows
  if (found === undefined) return
  throw new DroverError(
    'OPTION_INVALID',
    `${where} has tables that inherit from it, such as ${found.heir}, whose rows would be deleted with its own: archive each of them by itself.`,
  )
}
