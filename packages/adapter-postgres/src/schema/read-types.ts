import type { PostgresConnection } from '../connection/postgres-connection.js'

/** A type as pg_type has it. */
export interface PostgresType {
  readonly oid: number
  readonly name: string
  readonly schema: string
  /** Of pg_type.typtype: a base type, composite, domain, enum, pseudo type, range or multirange. */
  readonly kind: 'b' | 'c' | 'd' | 'e' | 'p' | 'r' | 'm'
  /** Of a domain: the type that it restricts. */
  readonly base: PostgresType | null
  /** Of a domain: the modifier of that type. */
  readonly baseModifier: number
  /** A domain that refuses null. */
  readonly isNotNull: boolean
  /** Of an array: the type of its elements. */
  readonly element: PostgresType | null
  /** The function that makes its binary form. */
  readonly send: string
}

/** What belongs to a type, before its parts are put together. */
interface TypeRow extends Omit<PostgresType, 'base' | 'element'> {
  readonly base: number
  readonly element: number
}

/** Looks types up, with the types they are made of. int2vector and the like look like arrays and are none: no type has them as its array. */
const typesSql = `
WITH RECURSIVE found AS (
  SELECT oid FROM pg_catalog.pg_type WHERE oid = ANY($1::oid[])
  UNION
  SELECT part FROM found JOIN pg_catalog.pg_type AS t USING (oid) CROSS JOIN LATERAL
    (VALUES (t.typbasetype), (CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_type AS e WHERE e.typarray = t.oid) THEN t.typelem END)) AS p(part)
  WHERE part <> 0
)
SELECT t.oid, t.typname AS name, n.nspname AS schema, t.typtype AS kind, t.typbasetype AS base, t.typtypmod AS "baseModifier",
  t.typnotnull AS "isNotNull", t.typsend::text AS send,
  CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_type AS e WHERE e.typarray = t.oid) THEN t.typelem ELSE 0 END AS element
FROM found JOIN pg_catalog.pg_type AS t USING (oid) JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace`

/** The types of these oids, whatever they are made of. */
export async function readTypes(
  connection: PostgresConnection,
  oids: Iterable<number>,
): Promise<ReadonlyMap<number, PostgresType>> {
  const { rows } = await connection.query<TypeRow>(typesSql, [[...new Set(oids)]])
  const rowOf = new Map(rows.map((row) => [row.oid, row]))
  const types = new Map<number, PostgresType>()
  const build = (oid: number): PostgresType | null => {
    const row = rowOf.get(oid)
    if (row === undefined) return null
    const type = types.get(oid) ?? { ...row, base: build(row.base), element: build(row.element) }
    types.set(oid, type)
    return type
  }
  for (const { oid } of rows) build(oid)
  return types
}

/** What a domain restricts in the end, and its modifier; another type is itself. */
export function underDomains(
  type: PostgresType,
  modifier: number,
): { readonly type: PostgresType; readonly modifier: number } {
  if (type.base === null) return { type, modifier }
  return underDomains(type.base, type.baseModifier)
}
