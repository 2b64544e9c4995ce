import { ofTheApplication } from '../catalog/read-postgres.js'

const own = (catalog: string): string => ofTheApplication('n', catalog, 'o.oid')

/**
 * Drops all that is the application's, in one statement. The schema `public` stays, with its owner and rights, and so do extensions in it: not
 * everybody may make those again.
 */
export const wipeSql = `DO $wipe$
DECLARE each record;
BEGIN
  FOR each IN SELECT n.nspname AS name FROM pg_catalog.pg_namespace AS n WHERE n.nspname <> 'public' AND ${ofTheApplication('n', 'pg_namespace', 'n.oid')} LOOP
    EXECUTE pg_catalog.format('DROP SCHEMA %I CASCADE', each.name);
  END LOOP;
  FOR each IN SELECT p.pubname AS name FROM pg_catalog.pg_publication AS p LOOP
    EXECUTE pg_catalog.format('DROP PUBLICATION %I', each.name);
  END LOOP;
  FOR each IN SELECT CASE o.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS kind,
      pg_catalog.format('%I.%I', n.nspname, o.relname) AS name
    FROM pg_catalog.pg_class AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.relnamespace
    WHERE o.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND ${own('pg_class')}
    -- A sequence that belongs to a column goes with its table, and with nothing else.
    ORDER BY o.relkind = 'S' LOOP
    EXECUTE pg_catalog.format('DROP %s IF EXISTS %s CASCADE', each.kind, each.name);
  END LOOP;
  FOR each IN SELECT o.oid FROM pg_catalog.pg_proc AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.pronamespace WHERE ${own('pg_proc')} LOOP
    -- What was dropped with another one is gone.
    CONTINUE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.oid = each.oid);
    EXECUTE pg_catalog.format('DROP %s %s CASCADE', CASE (SELECT prokind FROM pg_catalog.pg_proc AS p WHERE p.oid = each.oid) WHEN 'a' THEN 'AGGREGATE' ELSE 'ROUTINE' END, each.oid::regprocedure);
  END LOOP;
  FOR each IN SELECT pg_catalog.format('%I.%I', n.nspname, o.typname) AS name FROM pg_catalog.pg_type AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.typnamespace
    WHERE o.typtype IN ('e', 'd', 'r') AND ${own('pg_type')} LOOP
    EXECUTE pg_catalog.format('DROP TYPE IF EXISTS %s CASCADE', each.name);
  END LOOP;
  PERFORM pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;
END $wipe$`
