import { DroverError, type Row } from '@drover/core'
import type { Steps } from '../../contracts/steps.js'
import { quoteTable, quoteText } from '../../sql/quote.js'

/** A table of PostgreSQL with what hangs on it, as statements make it. */
export interface PostgresTable {
  readonly id: string
  readonly isUnlogged: boolean
  /** `fillfactor=70` */
  readonly options: readonly string[]
  readonly constraints: readonly PostgresConstraint[]
  /** Foreign keys of other tables to this one. */
  readonly incoming: readonly { readonly table: string; readonly name: string; readonly sql: string }[]
  /** Besides those of constraints. */
  readonly indexes: readonly { readonly name: string; readonly sql: string; readonly isValid: boolean }[]
  /** All, those of constraints too. */
  readonly indexNames: readonly string[]
  readonly clusteredBy: string | undefined
  readonly statistics: readonly { readonly name: string; readonly sql: string }[]
  readonly triggers: readonly { readonly name: string; readonly sql: string; readonly enabled: string }[]
  readonly sequences: readonly {
    readonly name: string
    readonly relation: string
    readonly column: string
    readonly isIdentity: boolean
    readonly type: string
  }[]
  readonly columns: readonly PostgresColumn[]
  /** COMMENT ON its indexes, constraints, triggers and statistics. */
  readonly comments: readonly string[]
}

export interface PostgresConstraint {
  readonly name: string
  readonly kind: 'p' | 'u' | 'x' | 'c' | 'f'
  readonly sql: string
  readonly columns: readonly string[]
}

export interface PostgresColumn {
  readonly name: string
  readonly isGenerated: boolean
  readonly isIdentity: boolean
  /** SET STATISTICS, SET (…). */
  readonly settings: readonly string[]
}

/** @throws `NAME_UNKNOWN`; `OPTION_INVALID` naming what a new table could not take over */
export async function readPostgresTable(steps: Steps, by: string, table: string): Promise<PostgresTable> {
  const [about] = await steps.read(
    `SELECT c.oid::int8 AS id, c.relkind AS kind, c.relpersistence AS persistence, to_json(c.reloptions) AS options
FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass(${quoteText(quoteTable(table), 'postgres')})`,
  )
  if (about === undefined) throw new DroverError('NAME_UNKNOWN', `${by}: there is no table ${table}.`)
  const id = String(about.id)
  await refuseOdd(steps, by, id)
  const rows = (sql: string): Promise<readonly Row[]> => steps.read(sql.replaceAll('$id', id))
  const constraints = await rows(constraintsSql)
  const indexes = await rows(indexesSql)
  const pick = (some: readonly Row[]): { readonly name: string; readonly sql: string }[] =>
    some.map((row) => ({ name: String(row.name), sql: String(row.sql) }))
  const clustered = indexes.find((row) => row.isClustered === true)
  return {
    id,
    isUnlogged: about.persistence === 'u',
    options: Array.isArray(about.options) ? about.options.map(String) : [],
    constraints: constraints.map((row) => ({
      name: String(row.name),
      kind: String(row.kind) as PostgresConstraint['kind'],
      sql: String(row.sql),
      columns: Array.isArray(row.columns) ? row.columns.map(String) : [],
    })),
    incoming: (await rows(incomingSql)).map((row) => ({
      table: String(row.table),
      name: String(row.name),
      sql: String(row.sql),
    })),
    indexes: indexes
      .filter((row) => row.isOfConstraint !== true)
      .map((row) => ({ name: String(row.name), sql: String(row.sql), isValid: row.isValid === true })),
    indexNames: indexes.map(({ name }) => String(name)),
    clusteredBy: clustered === undefined ? undefined : String(clustered.name),
    statistics: pick(await rows(statisticsSql)),
    triggers: (await rows(triggersSql)).map((row) => ({
      name: String(row.name),
      sql: String(row.sql),
      enabled: String(row.enabled),
    })),
    sequences: (await rows(sequencesSql)).map((row) => ({
      name: String(row.name),
      relation: String(row.relation),
      column: String(row.column),
      isIdentity: row.isIdentity === true,
      type: String(row.type),
    })),
    columns: await readColumns(steps, id),
    comments: (await rows(commentsSql)).map(({ sql }) => String(sql)),
  }
}

export async function readColumns(steps: Steps, id: string): Promise<PostgresColumn[]> {
  const rows = await steps.read(
    `SELECT attname AS name, attgenerated <> '' AS "isGenerated", attidentity <> '' AS "isIdentity", attstattarget AS target, to_json(attoptions) AS options
FROM pg_catalog.pg_attribute WHERE attrelid = ${id} AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  )
  return rows.map((row) => ({
    name: String(row.name),
    isGenerated: row.isGenerated === true,
    isIdentity: row.isIdentity === true,
    settings: [
      ...(Number(row.target ?? -1) >= 0 ? [`SET STATISTICS ${Number(row.target)}`] : []),
      ...(Array.isArray(row.options) ? [`SET (${row.options.map(String).join(', ')})`] : []),
    ],
  }))
}

/** What a new table could not take over, in the database's own words. */
async function refuseOdd(steps: Steps, by: string, id: string): Promise<void> {
  const found = await steps.read(oddSql.replaceAll('$id', id))
  if (found.length === 0) return
  throw new DroverError(
    'OPTION_INVALID',
    `${by}: a new table cannot take these over: ${found.map(({ what }) => String(what)).join(', ')}. Change the table in place (alterColumn, addColumn …), or drop them before and make them anew behind it.`,
  )
}

const oddSql = `SELECT CASE c.relkind WHEN 'p' THEN 'partitions' WHEN 'f' THEN 'a foreign table' ELSE 'what is no table' END AS what FROM pg_catalog.pg_class AS c WHERE c.oid = $id AND c.relkind <> 'r'
UNION ALL SELECT 'that it is a partition' FROM pg_catalog.pg_class WHERE oid = $id AND relispartition
UNION ALL SELECT 'row security' FROM pg_catalog.pg_class WHERE oid = $id AND (relrowsecurity OR relforcerowsecurity)
UNION ALL SELECT 'its replica identity' FROM pg_catalog.pg_class WHERE oid = $id AND relreplident <> 'd'
UNION ALL SELECT 'its tablespace' FROM pg_catalog.pg_class WHERE oid = $id AND reltablespace <> 0
UNION ALL SELECT 'its access method ' || m.amname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_am AS m ON m.oid = c.relam WHERE c.oid = $id AND m.amname <> 'heap'
UNION ALL SELECT 'inheritance with ' || CASE inhrelid WHEN $id THEN inhparent ELSE inhrelid END::regclass FROM pg_catalog.pg_inherits WHERE $id IN (inhparent, inhrelid)
UNION ALL SELECT 'the rule ' || r.rulename || ' of ' || r.ev_class::regclass FROM pg_catalog.pg_rewrite AS r
  WHERE r.rulename <> '_RETURN' AND (r.ev_class = $id OR EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = $id))
UNION ALL SELECT 'a security label' FROM pg_catalog.pg_seclabel WHERE classoid = 'pg_catalog.pg_class'::regclass AND objoid = $id
UNION ALL SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_catalog.pg_depend AS d
  WHERE d.deptype IN ('n', 'a') AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = $id
    AND d.classid NOT IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_trigger'::regclass,
      'pg_catalog.pg_attrdef'::regclass, 'pg_catalog.pg_statistic_ext'::regclass, 'pg_catalog.pg_type'::regclass)
UNION ALL SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_class AS c ON c.oid = $id
  JOIN pg_catalog.pg_type AS y ON y.oid = c.reltype
  WHERE d.deptype IN ('n', 'a') AND d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid IN (y.oid, y.typarray)`

const constraintsSql = `SELECT k.conname AS name, k.contype AS kind, pg_catalog.pg_get_constraintdef(k.oid) AS sql,
  (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) AS columns
FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = $id AND k.contype IN ('p', 'u', 'x', 'c', 'f') ORDER BY pg_catalog.strpos('puxcf', k.contype::text), k.conname`

const incomingSql = `SELECT k.conrelid::regclass::text AS table, k.conname AS name, pg_catalog.pg_get_constraintdef(k.oid) AS sql
FROM pg_catalog.pg_constraint AS k WHERE k.confrelid = $id AND k.conrelid <> $id AND k.contype = 'f' AND k.conparentid = 0 ORDER BY k.oid`

const indexesSql = `SELECT i.relname AS name, pg_catalog.pg_get_indexdef(x.indexrelid) AS sql, x.indisvalid AND x.indisready AS "isValid", x.indisclustered AS "isClustered",
  EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')) AS "isOfConstraint"
FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid WHERE x.indrelid = $id ORDER BY i.relname`

const statisticsSql = `SELECT stxname AS name, pg_catalog.pg_get_statisticsobjdef(oid) AS sql FROM pg_catalog.pg_statistic_ext WHERE stxrelid = $id ORDER BY stxname`

const triggersSql = `SELECT tgname AS name, pg_catalog.pg_get_triggerdef(oid) AS sql, tgenabled AS enabled FROM pg_catalog.pg_trigger WHERE tgrelid = $id AND NOT tgisinternal ORDER BY tgname`

const sequencesSql = `SELECT s.relname AS name, s.oid::regclass::text AS relation, a.attname AS column, a.attidentity <> '' AS "isIdentity",
  (SELECT pg_catalog.format_type(q.seqtypid, NULL) FROM pg_catalog.pg_sequence AS q WHERE q.seqrelid = s.oid) AS type
FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = $id AND d.deptype IN ('a', 'i') ORDER BY s.relname`

const commentsSql = `SELECT pg_catalog.format('COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname, k.conrelid::regclass, c.description) AS sql
FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_description AS c ON c.classoid = 'pg_catalog.pg_constraint'::regclass AND c.objoid = k.oid WHERE $id IN (k.conrelid, k.confrelid)
UNION ALL SELECT pg_catalog.format('COMMENT ON TRIGGER %I ON %s IS %L', t.tgname, t.tgrelid::regclass, c.description)
FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_description AS c ON c.classoid = 'pg_catalog.pg_trigger'::regclass AND c.objoid = t.oid WHERE t.tgrelid = $id
UNION ALL SELECT pg_catalog.format('COMMENT ON INDEX %s IS %L', i.indexrelid::regclass, c.description)
FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_description AS c ON c.classoid = 'pg_catalog.pg_class'::regclass AND c.objoid = i.indexrelid AND c.objsubid = 0 WHERE i.indrelid = $id`
