import type { Catalog } from '../contracts/catalog.js'
import type { Read } from './read-sqlite.js'

const own = (catalog: string): string => `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend AS brought WHERE brought.classid = 'pg_catalog.${catalog}'::regclass AND brought.objid = o.oid AND brought.deptype = 'e')`

/** Kind, name and, where the database writes it itself, the statement of everything that the rest of a catalog has no words for. */
const othersSql = `SELECT kind, name, sql FROM (
  SELECT 1 AS place, 'extension' AS kind, o.extname::text AS name, pg_catalog.format('CREATE EXTENSION IF NOT EXISTS %I', o.extname) AS sql
    FROM pg_catalog.pg_extension AS o WHERE o.extname <> 'plpgsql'
  UNION ALL SELECT 2, 'schema', n.nspname::text, pg_catalog.format('CREATE SCHEMA IF NOT EXISTS %I', n.nspname)
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS brought WHERE brought.classid = 'pg_catalog.pg_namespace'::regclass AND brought.objid = n.oid AND brought.deptype = 'e')
  UNION ALL SELECT 3, CASE o.typtype WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range type' ELSE 'composite type' END, pg_catalog.format_type(o.oid, NULL), NULL
    FROM pg_catalog.pg_type AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.typnamespace LEFT JOIN pg_catalog.pg_class AS c ON c.oid = o.typrelid
    WHERE (o.typtype IN ('d', 'r') OR o.typtype = 'c' AND c.relkind = 'c') AND ${own('pg_type')}
  UNION ALL SELECT 4, CASE o.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function' ELSE 'function' END,
      o.oid::regprocedure::text, CASE WHEN o.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(o.oid) END
    FROM pg_catalog.pg_proc AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.pronamespace WHERE ${own('pg_proc')}
  UNION ALL SELECT 5, CASE WHEN o.relkind = 'f' THEN 'foreign table' WHEN o.relispartition THEN 'partition' ELSE 'partitioned table' END, o.oid::regclass::text, NULL
    FROM pg_catalog.pg_class AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.relnamespace
    WHERE (o.relkind IN ('f', 'p') OR o.relkind = 'r' AND o.relispartition) AND ${own('pg_class')}
  UNION ALL SELECT 6, 'inheritance', o.inhrelid::regclass::text, NULL
    FROM pg_catalog.pg_inherits AS o JOIN pg_catalog.pg_class AS c ON c.oid = o.inhrelid WHERE NOT c.relispartition AND c.relkind = 'r'
  UNION ALL SELECT 7, 'exclusion constraint', o.conrelid::regclass || '.' || o.conname,
      pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', o.conrelid::regclass, o.conname, pg_catalog.pg_get_constraintdef(o.oid))
    FROM pg_catalog.pg_constraint AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.connamespace WHERE o.contype = 'x' AND ${own('pg_constraint')}
  UNION ALL SELECT 8, 'rule', c.oid::regclass || '.' || o.rulename, pg_catalog.pg_get_ruledef(o.oid)
    FROM pg_catalog.pg_rewrite AS o JOIN pg_catalog.pg_class AS c ON c.oid = o.ev_class JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE o.rulename <> '_RETURN' AND ${own('pg_rewrite')}
  UNION ALL SELECT 9, 'policy', o.polrelid::regclass || '.' || o.polname, NULL FROM pg_catalog.pg_policy AS o
  UNION ALL SELECT 10, 'row security', o.oid::regclass::text, pg_catalog.format('ALTER TABLE %s %s ROW LEVEL SECURITY', o.oid::regclass, CASE WHEN o.relforcerowsecurity THEN 'FORCE' ELSE 'ENABLE' END)
    FROM pg_catalog.pg_class AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.relnamespace WHERE o.relrowsecurity AND ${own('pg_class')}
  UNION ALL SELECT 11, 'statistics', o.stxname::text, pg_catalog.pg_get_statisticsobjdef(o.oid)
    FROM pg_catalog.pg_statistic_ext AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.stxnamespace WHERE ${own('pg_statistic_ext')}
  UNION ALL SELECT 12, 'event trigger', o.evtname::text, NULL FROM pg_catalog.pg_event_trigger AS o
) AS everything ORDER BY place, name`

/** What is there and has no place elsewhere in a catalog, so that a comparison or a backup can say that it does not cover it. */
export async function readPostgresOthers(read: Read): Promise<Catalog['others']> {
  return (await read(othersSql)).map((row) => ({
    kind: String(row.kind),
    name: String(row.name),
    ...(row.sql === null ? {} : { sql: String(row.sql) }),
  }))
}
