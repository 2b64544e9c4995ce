import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { Table } from '../schema/table.js'

/**
 * Why writing such records would leave something behind though it is rolled back; null if it would not. Sequences do not go back:
 * https://www.postgresql.org/docs/current/functions-sequence.html. What a trigger, a rule or a function of the user does, nobody knows.
 */
export async function sideEffects(
  connection: PostgresConnection,
  table: Table,
  given: readonly { readonly name: string }[],
): Promise<string | null> {
  const names = new Set(given.map(({ name }) => name))
  const counted = table.columns.find(({ name, sequence }) => sequence !== null && !names.has(name))
  if (counted !== undefined) return moves(counted.name, counted.sequence)
  const { rows: defaults } = await connection.query<{ name: string; sql: string; isOurs: boolean }>(
    `SELECT a.attname AS name, pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS sql, EXISTS (
       SELECT FROM pg_catalog.pg_depend AS p WHERE p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid
         AND p.refclassid = 'pg_catalog.pg_proc'::regclass) AS "isOurs"
     FROM pg_catalog.pg_attrdef AS d JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
     WHERE d.adrelid = $1::oid AND a.attgenerated = ''`,
    [table.oid],
  )
  for (const { name, sql, isOurs } of defaults) {
    if (names.has(name)) continue
    if (/\b(?:nextval|setval)\(/.test(sql)) return moves(name, sql)
    if (isOurs) return `the default of its column "${name}" calls a function, which may do anything`
  }
  const { rows } = await connection.query<{ what: string }>(
    `WITH tables AS (SELECT relid FROM pg_catalog.pg_partition_tree($1::oid::regclass) UNION SELECT $1::oid)
     SELECT format('its trigger "%s" may do what is not taken back', tgname) AS what FROM pg_catalog.pg_trigger
     WHERE tgrelid IN (SELECT relid FROM tables) AND NOT tgisinternal AND tgenabled <> 'D'
     UNION ALL
     SELECT format('its rule "%s" may do what is not taken back', rulename) FROM pg_catalog.pg_rewrite
     WHERE ev_class IN (SELECT relid FROM tables) AND ev_enabled <> 'D'
     LIMIT 1`,
    [table.oid],
  )
  return rows[0]?.what ?? null
}

function moves(column: string, sequence: string | null): string {
  return `its column "${column}", which the records do not bring, would take values of a sequence (${sequence}), which are not taken back`
}
