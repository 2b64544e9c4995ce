import type { Row } from '@drover/core'
import type {
  Catalog,
  CatalogAction,
  CatalogColumn,
  CatalogForeignKey,
  CatalogIndex,
  CatalogTable,
} from '../contracts/catalog.js'
import { readPostgresOthers } from './read-postgres-others.js'
import type { Read } from './read-sqlite.js'

/** As it is written without its schema where `search_path` finds it. */
export const shownName = (relation: string, namespace: string): string =>
  `CASE WHEN pg_catalog.pg_table_is_visible(${relation}.oid) THEN ${relation}.relname ELSE ${namespace}.nspname || '.' || ${relation}.relname END`

/** Schemas of the application: not the system's, and nothing that an extension brought. */
export const ofTheApplication = (namespace: string, catalog: string, oid: string): string =>
  `${namespace}.nspname !~ '^pg_' AND ${namespace}.nspname <> 'information_schema' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS brought
    WHERE brought.classid = 'pg_catalog.${catalog}'::regclass AND brought.objid = ${oid} AND brought.deptype = 'e')`

const relations = (kinds: string): string => `FROM pg_catalog.pg_class AS t
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
  WHERE t.relkind IN (${kinds}) AND t.relpersistence <> 't' AND ${ofTheApplication('n', 'pg_class', 't.oid')}`

const tablesSql = `SELECT t.oid::int8 AS id, ${shownName('t', 'n')} AS name, pg_catalog.obj_description(t.oid, 'pg_class') AS comment
${relations(`'r', 'p'`)} AND NOT t.relispartition ORDER BY t.oid`

const columnsSql = `SELECT t.oid::int8 AS id, a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS "isNullable",
  pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS "default", a.attidentity AS identity, a.attgenerated AS generated,
  CASE WHEN a.attcollation <> 0 AND a.attcollation <> ty.typcollation THEN c.collname END AS collation,
  pg_catalog.col_description(t.oid, a.attnum) AS comment,
  d.oid IS NOT NULL AND pg_catalog.pg_get_serial_sequence(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.relname), a.attname) IS NOT NULL
    AND a.attidentity = '' AS "isSerial"
FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS t ON t.oid = a.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
  JOIN pg_catalog.pg_type AS ty ON ty.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_catalog.pg_collation AS c ON c.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped AND t.oid::int8 = ANY ($1::int8[]) ORDER BY t.oid, a.attnum`

const constraintsSql = `SELECT k.conrelid::int8 AS id, k.conname AS name, k.contype AS kind, k.convalidated AS "isValid", k.condeferrable AS deferrable, k.condeferred AS deferred,
  (SELECT pg_catalog.json_agg(a.attname ORDER BY p.at) FROM unnest(k.conkey) WITH ORDINALITY AS p(num, at)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = p.num) AS columns,
  CASE WHEN k.contype = 'f' THEN ${shownName('t', 'n')} END AS parent,
  (SELECT pg_catalog.json_agg(a.attname ORDER BY p.at) FROM unnest(k.confkey) WITH ORDINALITY AS p(num, at)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = p.num) AS "references",
  k.confdeltype AS "onDelete", k.confupdtype AS "onUpdate", pg_catalog.pg_get_expr(k.conbin, k.conrelid) AS expression
FROM pg_catalog.pg_constraint AS k
  LEFT JOIN pg_catalog.pg_class AS t ON t.oid = k.confrelid
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE k.conrelid::int8 = ANY ($1::int8[]) AND k.contype IN ('p', 'u', 'f', 'c') ORDER BY k.conname`

const indexesSql = `SELECT x.indrelid::int8 AS id, ${shownName('t', 'n')} AS name, x.indisunique AS "isUnique", m.amname AS method, x.indisvalid AND x.indisready AS "isValid",
  pg_catalog.pg_get_expr(x.indpred, x.indrelid) AS "where", pg_catalog.pg_get_indexdef(x.indexrelid) AS sql,
  (SELECT pg_catalog.json_agg(pg_catalog.pg_get_indexdef(x.indexrelid, at, true) ORDER BY at) FROM pg_catalog.generate_series(1, x.indnkeyatts) AS at) AS keys,
  (SELECT pg_catalog.json_agg(pg_catalog.pg_get_indexdef(x.indexrelid, at, true) ORDER BY at) FROM pg_catalog.generate_series(x.indnkeyatts + 1, x.indnatts) AS at) AS include
FROM pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS t ON t.oid = x.indexrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
  JOIN pg_catalog.pg_am AS m ON m.oid = t.relam
WHERE x.indrelid::int8 = ANY ($1::int8[]) AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY t.relname`

const viewsSql = `SELECT ${shownName('t', 'n')} AS name, t.relkind = 'm' AS "isMaterialized", pg_catalog.format('CREATE %sVIEW %s%s AS %s', CASE WHEN t.relkind = 'm' THEN 'MATERIALIZED ' ELSE '' END, t.oid::regclass,
    CASE WHEN t.reloptions IS NULL THEN '' ELSE ' WITH (' || pg_catalog.array_to_string(t.reloptions, ', ') || ')' END, pg_catalog.pg_get_viewdef(t.oid, true)) AS sql,
  (SELECT pg_catalog.json_agg(DISTINCT CASE WHEN pg_catalog.pg_table_is_visible(o.oid) THEN o.relname ELSE s.nspname || '.' || o.relname END)
    FROM pg_catalog.pg_rewrite AS r
      JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
      JOIN pg_catalog.pg_class AS o ON o.oid = d.refobjid JOIN pg_catalog.pg_namespace AS s ON s.oid = o.relnamespace
    WHERE r.ev_class = t.oid AND o.oid <> t.oid) AS reads
${relations(`'v', 'm'`)} ORDER BY t.oid`

const triggersSql = `SELECT g.tgname AS name, ${shownName('t', 'n')} AS "table", pg_catalog.pg_get_triggerdef(g.oid, true) AS sql
FROM pg_catalog.pg_trigger AS g
  JOIN pg_catalog.pg_class AS t ON t.oid = g.tgrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE NOT g.tgisinternal AND ${ofTheApplication('n', 'pg_class', 't.oid')} ORDER BY t.relname, g.tgname`

const enumsSql = `SELECT CASE WHEN pg_catalog.pg_type_is_visible(y.oid) THEN y.typname ELSE n.nspname || '.' || y.typname END AS name,
  (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = y.oid) AS "values"
FROM pg_catalog.pg_type AS y JOIN pg_catalog.pg_namespace AS n ON n.oid = y.typnamespace
WHERE y.typtype = 'e' AND ${ofTheApplication('n', 'pg_type', 'y.oid')} ORDER BY y.typname`

const sequencesSql = `SELECT ${shownName('t', 'n')} AS name,
  pg_catalog.format('CREATE SEQUENCE %s AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s%s',
    t.oid::regclass, pg_catalog.format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
    CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END) AS sql,
  (SELECT CASE WHEN pg_catalog.pg_table_is_visible(o.oid) THEN o.relname ELSE p.nspname || '.' || o.relname END || '.' || a.attname
    FROM pg_catalog.pg_depend AS d
      JOIN pg_catalog.pg_class AS o ON o.oid = d.refobjid JOIN pg_catalog.pg_namespace AS p ON p.oid = o.relnamespace
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = t.oid AND d.deptype IN ('a', 'i')) AS "ownedBy"
FROM pg_catalog.pg_class AS t
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
  JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = t.oid
WHERE ${ofTheApplication('n', 'pg_class', 't.oid')} ORDER BY t.relname`

/** Reads all schemas of the application in the database. */
export async function readPostgresCatalog(read: Read): Promise<Catalog> {
  const tables = await read(tablesSql)
  const ids = tables.map(({ id }) => String(id))
  const columns = byId(await read(columnsSql, [ids]))
  const constraints = byId(await read(constraintsSql, [ids]))
  const indexes = byId(await read(indexesSql, [ids]))
  return {
    dialect: 'postgres',
    tables: tables.map((row): CatalogTable => {
      const id = String(row.id)
      return {
        name: String(row.name),
        columns: (columns.get(id) ?? []).map(column),
        ...constraintsOf(constraints.get(id) ?? []),
        indexes: (indexes.get(id) ?? []).map(index),
        ...(row.comment === null ? {} : { comment: String(row.comment) }),
      }
    }),
    views: (await read(viewsSql)).map((row) => ({
      name: String(row.name),
      sql: String(row.sql).replace(/;\s*$/, ''),
      isMaterialized: row.isMaterialized === true,
      reads: texts(row.reads),
    })),
    triggers: (await read(triggersSql)).map((row) => ({
      name: String(row.name),
      table: String(row.table),
      sql: String(row.sql),
    })),
    enums: (await read(enumsSql)).map((row) => ({ name: String(row.name), values: texts(row.values) })),
    sequences: (await read(sequencesSql)).map((row) => ({
      name: String(row.name),
      sql: String(row.sql),
      ...(row.ownedBy === null ? {} : { ownedBy: String(row.ownedBy) }),
    })),
    others: await readPostgresOthers(read),
  }
}

function byId(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const group = groups.get(String(row.id))
    if (group === undefined) groups.set(String(row.id), [row])
    else group.push(row)
  }
  return groups
}

function column(row: Row): CatalogColumn {
  const isGenerated = row.generated !== ''
  const identity =
    row.identity === 'a' ? 'always' : row.identity === 'd' ? 'by-default' : row.isSerial === true ? 'serial' : undefined
  return {
    name: String(row.name),
    type: String(row.type),
    isNullable: row.isNullable === true,
    ...(row.default === null || isGenerated ? {} : { default: String(row.default) }),
    ...(identity === undefined ? {} : { identity }),
    ...(isGenerated ? { generated: { expression: String(row.default), isStored: row.generated === 's' } } : {}),
    ...(row.collation === null ? {} : { collation: String(row.collation) }),
    ...(row.comment === null ? {} : { comment: String(row.comment) }),
  }
}

function constraintsOf(
  rows: readonly Row[],
): Pick<CatalogTable, 'primaryKey' | 'primaryKeyName' | 'uniques' | 'checks' | 'foreignKeys'> {
  const of = (kind: string): Row[] => rows.filter((row) => row.kind === kind)
  const [key] = of('p')
  return {
    primaryKey: texts(key?.columns),
    ...(key === undefined ? {} : { primaryKeyName: String(key.name) }),
    uniques: of('u').map((row) => ({ name: String(row.name), columns: texts(row.columns) })),
    checks: of('c').map((row) => ({
      name: String(row.name),
      expression: String(row.expression),
      isValid: row.isValid === true,
    })),
    foreignKeys: of('f').map(foreignKey),
  }
}

const actions: Readonly<Record<string, CatalogAction>> = {
  a: 'no action',
  r: 'restrict',
  c: 'cascade',
  n: 'set null',
  d: 'set default',
}

function foreignKey(row: Row): CatalogForeignKey {
  return {
    name: String(row.name),
    columns: texts(row.columns),
    table: String(row.parent),
    references: texts(row.references),
    onDelete: actions[String(row.onDelete)] ?? 'no action',
    onUpdate: actions[String(row.onUpdate)] ?? 'no action',
    ...(row.deferrable === true
      ? { deferrable: row.deferred === true ? ('deferred' as const) : ('immediate' as const) }
      : {}),
    isValid: row.isValid === true,
  }
}

function index(row: Row): CatalogIndex {
  const include = texts(row.include)
  return {
    name: String(row.name),
    keys: texts(row.keys),
    isUnique: row.isUnique === true,
    method: String(row.method),
    ...(row.where === null ? {} : { where: String(row.where) }),
    ...(include.length === 0 ? {} : { include }),
    isValid: row.isValid === true,
    sql: String(row.sql),
  }
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
