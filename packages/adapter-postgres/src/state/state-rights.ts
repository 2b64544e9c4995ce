import { DroverError, type Operation } from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import { quoteName } from '../connection/quote-name.js'
import { sqlState } from '../errors/postgres-error.js'
import type { StateTables } from './state-tables.js'

interface Missing {
  readonly user: string
  readonly table: string
  readonly rights: string
}

const missingSql = `
  SELECT current_user AS user, t AS "table", string_agg(r, ', ' ORDER BY at) AS rights
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (t, r, at)
  WHERE pg_catalog.to_regclass(t) IS NOT NULL AND NOT pg_catalog.has_table_privilege(t, r)
  GROUP BY t ORDER BY t`

/**
 * The error, with the GRANT that helps if a right on Drover's own tables is missing: PostgreSQL says which table it is, and not which
 * right.
 */
export async function withMissingRights(
  database: PostgresDatabase,
  tables: StateTables,
  error: unknown,
  operation: Operation,
): Promise<unknown> {
  if (!DroverError.isInstance(error, 'STORE_DENIED') || sqlState(error.cause) !== '42501') return error
  try {
    const { schema } = tables
    if (schema !== null && !(await mayUse(database, schema, operation))) {
      return said(error, [`GRANT USAGE ON SCHEMA ${quoteName(schema)} TO "${await userOf(database, operation)}"`])
    }
    const { rows } = await database.query<Missing>(missingSql, neededIn(tables), operation)
    return rows.length === 0
      ? error
      : said(
          error,
          rows.map(({ user, table, rights }) => `GRANT ${rights} ON ${table} TO "${user}"`),
        )
  } catch {
    // Who may not even look keeps the error that said so.
    return error
  }
}

/** Tables, and a right on each. */
function neededIn({ meta, runs, partitions, indexes }: StateTables): [tables: string[], rights: string[]] {
  const all = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']
  const needed = [
    [meta, 'SELECT'],
    [indexes, 'SELECT'],
    ...[runs, partitions].flatMap((table) => all.map((right) => [table, right])),
  ]
  return [needed.map(([table = '']) => table), needed.map(([, right = '']) => right)]
}

async function mayUse(database: PostgresDatabase, schema: string, operation: Operation): Promise<boolean> {
  const { rows } = await database.query<{ may: boolean }>(
    `SELECT pg_catalog.has_schema_privilege(nspname, 'USAGE') AS may FROM pg_catalog.pg_namespace WHERE nspname = $1`,
    [schema],
    operation,
  )
  return rows[0]?.may ?? true
}

async function userOf(database: PostgresDatabase, operation: Operation): Promise<string> {
  const { rows } = await database.query<{ user: string }>('SELECT current_user AS user', [], operation)
  return rows[0]?.user ?? ''
}

function said({ message, cause }: DroverError, grants: readonly string[]): DroverError {
  return new DroverError('STORE_DENIED', `${message} An administrator allows it with: ${grants.join('; ')}.`, { cause })
}
