import type { PostgresConnection } from '../../connection/postgres-connection.js'
import { quoteName, quoteText } from '../../connection/quote-name.js'
import { quoteTable } from '../../schema/table.js'

/** An index that holds nothing together and refuses nothing, so that a table can do without it for a while. */
export interface SecondaryIndex {
  /** With its schema, quoted. */
  readonly name: string
  /** The same of its table: the one that is written to, or a partition. */
  readonly table: string
  /** As pg_get_indexdef prints it, with all names in full. */
  readonly definition: string
  /** Statements that make it what it is now. */
  readonly restore: string
  /** It is one index of its partitioned table's; dropped with that, and not by itself. */
  readonly isPart: boolean
  /** What this user lacks to build it again; null if nothing. */
  readonly lacks: string | null
}

interface Found {
  readonly oid: number
  readonly parent: number | null
  readonly schema: string
  readonly name: string
  /** As it is printed: quoted where it has to be. */
  readonly printed: string
  readonly table: string
  readonly isPartitioned: boolean
  readonly isClustered: boolean
  readonly hasExpressions: boolean
  readonly definition: string
  readonly tablespace: string | null
  readonly comment: string | null
  readonly targets: readonly { readonly column: number; readonly target: number }[]
  readonly extensions: readonly string[]
  readonly lacks: string | null
}

/**
 * Unique indexes, and those of constraints, refuse records and may be what foreign keys refer to: they are not among them. Nor are
 * those that are not valid, which no query uses and whose owner is at work on them.
 */
const foundSql = `
WITH RECURSIVE tables AS (
  SELECT $1::oid AS oid, 0 AS depth
  UNION ALL
  SELECT i.inhrelid, t.depth + 1 FROM tables AS t JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.oid
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relispartition
)
SELECT c.oid, p.inhparent AS parent, n.nspname AS schema, c.relname AS name, quote_ident(c.relname) AS printed, r.relname AS table, c.relkind = 'I' AS "isPartitioned",
  i.indisclustered AS "isClustered", i.indexprs IS NOT NULL AS "hasExpressions", pg_catalog.pg_get_indexdef(c.oid) AS definition,
  s.spcname AS tablespace, pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
  (SELECT coalesce(json_agg(json_build_object('column', a.attnum, 'target', a.attstattarget) ORDER BY a.attnum), '[]')
    FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attstattarget >= 0) AS targets,
  (SELECT coalesce(json_agg(e.extname ORDER BY e.extname), '[]') FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_extension AS e ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND e.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'x') AS extensions,
  CASE
    WHEN NOT pg_catalog.pg_has_role(r.relowner, 'USAGE') THEN format('ownership of %I.%I', n.nspname, r.relname)
    WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE') THEN format('CREATE on schema %I', n.nspname)
    WHEN s.oid IS NOT NULL AND NOT pg_catalog.has_tablespace_privilege(s.oid, 'CREATE') THEN format('CREATE on tablespace %I', s.spcname)
  END AS lacks
FROM tables AS t JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_class AS r ON r.oid = i.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_inherits AS p ON p.inhrelid = c.oid
  LEFT JOIN pg_catalog.pg_tablespace AS s ON s.oid = c.reltablespace
WHERE NOT i.indisunique AND NOT i.indisexclusion AND i.indisvalid AND i.indislive
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = c.oid)
ORDER BY t.depth DESC, c.oid`

/**
 * The secondary indexes of a table and of its partitions, in an order in which they can be built: one of a partitioned table
 * takes those of its partitions that are there. In a transaction.
 */
export async function secondaryIndexes(connection: PostgresConnection, table: number): Promise<SecondaryIndex[]> {
  const { rows } = await withFullNames(connection, () => connection.query<Found>(foundSql, [table]))
  return withoutStrays(rows).map((found) => {
    const { schema, name, table, definition, parent, lacks } = found
    return {
      name: quoteTable(schema, name),
      table: quoteTable(schema, table),
      definition,
      restore: restoreSql(found),
      isPart: parent !== null,
      lacks,
    }
  })
}

/** What stands under that name now; undefined if nothing does. In a transaction. */
export async function standingIndex(
  connection: PostgresConnection,
  name: string,
): Promise<{ readonly definition: string; readonly isValid: boolean } | undefined> {
  const { rows } = await withFullNames(connection, () =>
    connection.query<{ definition: string; isValid: boolean }>(
      `SELECT coalesce(pg_catalog.pg_get_indexdef(c.oid), 'no index') AS definition, coalesce(i.indisvalid, true) AS "isValid"
       FROM pg_catalog.pg_class AS c LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid WHERE c.oid = pg_catalog.to_regclass($1)`,
      [name],
    ),
  )
  return rows[0]
}

/** Names that search_path finds are printed without their schema, and would mean something else to somebody with another one. */
async function withFullNames<T>(connection: PostgresConnection, work: () => Promise<T>): Promise<T> {
  const { rows } = await connection.query<{ path: string }>(
    `SELECT current_setting('search_path') AS path, set_config('search_path', '', true)`,
  )
  const found = await work()
  await connection.query(`SELECT set_config('search_path', $1, true)`, [rows[0]?.path ?? ''])
  return found
}

/** An index that belongs to one that stays (the table is a partition, the other one is not valid) stays with it. */
function withoutStrays(found: readonly Found[]): readonly Found[] {
  const oids = new Set(found.map(({ oid }) => oid))
  const kept = found.filter(({ parent }) => parent === null || oids.has(parent))
  return kept.length === found.length ? kept : withoutStrays(kept)
}

function restoreSql(found: Found): string {
  const { schema, table, definition, tablespace, comment, targets, extensions } = found
  const name = quoteTable(schema, found.name)
  const on = quoteTable(schema, table)
  const statements = [
    `SET LOCAL default_tablespace = ${quoteText(tablespace ?? '')}`,
    // Without ONLY, partitions' indexes that are there become parts of it, and partitions that came meanwhile get one.
    found.isPartitioned
      ? definition.replace(`INDEX ${found.printed} ON ONLY `, () => `INDEX ${found.printed} ON `)
      : definition,
    ...(comment === null ? [] : [`COMMENT ON INDEX ${name} IS ${quoteText(comment)}`]),
    ...targets.map(({ column, target }) => `ALTER INDEX ${name} ALTER COLUMN ${column} SET STATISTICS ${target}`),
    ...extensions.map((extension) => `ALTER INDEX ${name} DEPENDS ON EXTENSION ${quoteName(extension)}`),
    ...(found.isClustered ? [`ALTER TABLE ${on} CLUSTER ON ${quoteName(found.name)}`] : []),
    // What is known of the values of expressions went with the index.
    ...(found.hasExpressions && !found.isPartitioned ? [`ANALYZE ${on}`] : []),
  ]
  return statements.join(';\n')
}
