import { ofTheApplication } from '../catalog/read-postgres.js'

const owner = (oid: string): string => `pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(${oid}))`
const grantee = `CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE ${owner('acl.grantee')} END || CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END`

/** Statements that give everything in a database its owner again, and everybody their rights. */
export const rightsSql = `SELECT sql FROM (
  SELECT 1 AS place, pg_catalog.format('ALTER SCHEMA %I OWNER TO %s', n.nspname, ${owner('n.nspowner')}) AS sql
    FROM pg_catalog.pg_namespace AS n WHERE n.nspname <> 'public' AND ${ofTheApplication('n', 'pg_namespace', 'n.oid')}
  UNION ALL SELECT 2, pg_catalog.format('ALTER %s %s OWNER TO %s', CASE t.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
      t.oid::regclass, ${owner('t.relowner')})
    FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
    WHERE t.relkind IN ('r', 'v', 'm', 'S') AND ${ofTheApplication('n', 'pg_class', 't.oid')}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE t.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = t.oid AND d.deptype IN ('a', 'i'))
  UNION ALL SELECT 3, pg_catalog.format('ALTER ROUTINE %s OWNER TO %s', f.oid::regprocedure, ${owner('f.proowner')})
    FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace WHERE ${ofTheApplication('n', 'pg_proc', 'f.oid')}
  UNION ALL SELECT 4, pg_catalog.format('ALTER TYPE %s OWNER TO %s', pg_catalog.format_type(y.oid, NULL), ${owner('y.typowner')})
    FROM pg_catalog.pg_type AS y JOIN pg_catalog.pg_namespace AS n ON n.oid = y.typnamespace WHERE y.typtype = 'e' AND ${ofTheApplication('n', 'pg_type', 'y.oid')}
  UNION ALL SELECT 5, pg_catalog.format('GRANT %s ON SCHEMA %I TO %s', acl.privilege_type, n.nspname, ${grantee})
    FROM pg_catalog.pg_namespace AS n, pg_catalog.aclexplode(n.nspacl) AS acl WHERE n.nspname <> 'public' AND ${ofTheApplication('n', 'pg_namespace', 'n.oid')}
  UNION ALL SELECT 6, pg_catalog.format('GRANT %s ON %s%s TO %s', acl.privilege_type, CASE t.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END, t.oid::regclass, ${grantee})
    FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace, pg_catalog.aclexplode(t.relacl) AS acl
    WHERE t.relkind IN ('r', 'v', 'm', 'S') AND ${ofTheApplication('n', 'pg_class', 't.oid')}
  UNION ALL SELECT 7, pg_catalog.format('GRANT %s (%I) ON %s TO %s', acl.privilege_type, a.attname, t.oid::regclass, ${grantee})
    FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS t ON t.oid = a.attrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace, pg_catalog.aclexplode(a.attacl) AS acl
    WHERE NOT a.attisdropped AND ${ofTheApplication('n', 'pg_class', 't.oid')}
  UNION ALL SELECT 8, pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f.oid::regprocedure)
    FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace WHERE f.proacl IS NOT NULL AND ${ofTheApplication('n', 'pg_proc', 'f.oid')}
  UNION ALL SELECT 9, pg_catalog.format('GRANT %s ON ROUTINE %s TO %s', acl.privilege_type, f.oid::regprocedure, ${grantee})
    FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace, pg_catalog.aclexplode(f.proacl) AS acl WHERE ${ofTheApplication('n', 'pg_proc', 'f.oid')}
) AS rights ORDER BY place, sql`
