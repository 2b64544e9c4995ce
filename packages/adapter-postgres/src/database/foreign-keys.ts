import type { ForeignKey, ReferentialAction } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'

/** A foreign key as the server has it. */
export interface DeclaredKey {
  /** The table that has it. */
  readonly table: string
  readonly name: string
  /** The schema of the table that it refers to. */
  readonly schema: string
  readonly isValidated: boolean
  readonly key: ForeignKey
}

interface KeyRow {
  readonly table: string
  readonly name: string
  readonly schema: string
  readonly references: string
  readonly columns: readonly string[]
  readonly referencedColumns: readonly string[]
  readonly onDelete: string
  readonly onUpdate: string
  readonly isDeferred: boolean
  readonly isValidated: boolean
}

const actions: Readonly<Record<string, ReferentialAction>> = {
  c: 'cascade',
  r: 'restrict',
  n: 'set null',
  d: 'set default',
}

/** The foreign keys of all tables of a schema, those of partitions with their table. */
export async function readForeignKeys(connection: PostgresConnection, schema: string): Promise<readonly DeclaredKey[]> {
  const names = (columns: string, table: string): string => `(
    SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(${columns}) WITH ORDINALITY AS k(attnum, place)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = ${table} AND a.attnum = k.attnum)`
  const { rows } = await connection.query<KeyRow>(
    `SELECT c.relname AS table, f.conname AS name, q.nspname AS schema, p.relname AS references,
       ${names('f.conkey', 'f.conrelid')} AS columns, ${names('f.confkey', 'f.confrelid')} AS "referencedColumns",
       f.confdeltype AS "onDelete", f.confupdtype AS "onUpdate", f.condeferred AS "isDeferred", f.convalidated AS "isValidated"
     FROM pg_catalog.pg_constraint AS f JOIN pg_catalog.pg_class AS c ON c.oid = f.conrelid
       JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_class AS p ON p.oid = f.confrelid JOIN pg_catalog.pg_namespace AS q ON q.oid = p.relnamespace
     WHERE f.contype = 'f' AND f.conparentid = 0 AND n.nspname = $1
     ORDER BY c.relname, f.oid`,
    [schema],
  )
  return rows.map(({ table, name, schema, isValidated, onDelete, onUpdate, isDeferred, ...key }) => ({
    table,
    name,
    schema,
    isValidated,
    key: {
      name,
      ...key,
      ...(actions[onDelete] === undefined ? {} : { onDelete: actions[onDelete] }),
      ...(actions[onUpdate] === undefined ? {} : { onUpdate: actions[onUpdate] }),
      ...(isDeferred ? { isDeferred } : {}),
    },
  }))
}

/** Whether the key joins the same columns to the same ones. */
export function isSameKey({ schema, key }: DeclaredKey, inSchema: string, other: ForeignKey): boolean {
  const pairs = ({ columns, referencedColumns }: ForeignKey): string =>
    JSON.stringify(columns.map((column, i) => [column, referencedColumns[i]]).sort())
  return schema === inSchema && key.references === other.references && pairs(key) === pairs(other)
}
