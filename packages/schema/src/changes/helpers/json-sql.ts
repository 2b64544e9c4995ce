import type { Dialect } from '../../contracts/migration.js'
import { quoteName, quoteText } from '../../sql/quote.js'

/**
 * What the json of a row is, as to one attribute: `null` and `json-null` (the text `null`), `malformed`, `wrong-type` (it, or something on the way,
 * is no object), `missing` (the attribute is), `present`.
 */
export type JsonState = 'null' | 'malformed' | 'json-null' | 'wrong-type' | 'missing' | 'present'

/** SQL about one attribute of a column with json, of the table that is called `t`. What cannot be read never makes a statement fail. */
export interface JsonSql {
  /** Makes the functions that the rest uses, and takes them away. */
  readonly prepare: readonly string[]
  readonly cleanUp: readonly string[]
  /** A {@link JsonState}. */
  readonly state: string
  /** The attribute, as the database compares json. */
  readonly attribute: string
  /** The column with the attribute set to a value that is json; from NULL and `null` an object is made. */
  set(value: string): string
  /** The column without the attribute. */
  readonly removed: string
  /** The column holds nothing but what `set` makes of NULL, without the attribute. */
  readonly isEmpty: string
  /** A value as json. */
  constant(value: unknown): string
}

/** @param type Of the column, as the catalog has it. */
export function jsonSql(dialect: Dialect, column: string, type: string, keys: readonly string[]): JsonSql {
  const cell = `t.${quoteName(column)}`
  return dialect === 'sqlite' ? sqliteJson(cell, keys) : postgresJson(cell, type, keys)
}

function sqliteJson(cell: string, keys: readonly string[]): JsonSql {
  const path = sqlitePath(keys)
  const onTheWay = keys
    .slice(0, -1)
    .map(
      (_, at) =>
        ` WHEN coalesce(json_type(${cell}, ${sqlitePath(keys.slice(0, at + 1))}), 'object') <> 'object' THEN 'wrong-type'`,
    )
  return {
    prepare: [],
    cleanUp: [],
    state:
      `CASE WHEN ${cell} IS NULL THEN 'null' WHEN typeof(${cell}) = 'blob' OR NOT json_valid(${cell}) THEN 'malformed' ` +
      `WHEN json_type(${cell}) = 'null' THEN 'json-null' WHEN json_type(${cell}) <> 'object' THEN 'wrong-type'${onTheWay.join('')} ` +
      `WHEN json_type(${cell}, ${path}) IS NULL THEN 'missing' ELSE 'present' END`,
    attribute: `(${cell} -> ${path})`,
    set: (value) =>
      `json_set(CASE WHEN ${cell} IS NULL OR json_type(${cell}) = 'null' THEN '{}' ELSE ${cell} END, ${path}, ${value})`,
    removed: `json_remove(${cell}, ${path})`,
    isEmpty: `json(${cell}) = ${quoteText(JSON.stringify(emptyOf(keys)))}`,
    constant: (value) => `json(${quoteText(JSON.stringify(value))})`,
  }
}

/** A path as SQLite has it, in quotes. */
export function sqlitePath(keys: readonly string[]): string {
  return quoteText(`$${keys.map((key) => `.${JSON.stringify(key)}`).join('')}`)
}

/** `$1::jsonb` fails on what is no json, and PostgreSQL before 16 has no test for it. */
const postgresFunctions = [
  `CREATE FUNCTION pg_temp.drover_json(text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN $1::jsonb; EXCEPTION WHEN others THEN RETURN NULL; END $$`,
  `CREATE FUNCTION pg_temp.drover_json_state(cell text, path text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE found jsonb := pg_temp.drover_json(cell);
BEGIN
  IF cell IS NULL THEN RETURN 'null'; END IF;
  IF found IS NULL THEN RETURN 'malformed'; END IF;
  IF found = 'null' THEN RETURN 'json-null'; END IF;
  FOR at IN 1 .. cardinality(path) LOOP
    IF jsonb_typeof(found) <> 'object' THEN RETURN 'wrong-type'; END IF;
    found := found -> path[at];
    IF found IS NULL THEN RETURN 'missing'; END IF;
  END LOOP;
  RETURN 'present';
END $$`,
  `CREATE FUNCTION pg_temp.drover_json_set(cell text, path text[], value jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE found jsonb := coalesce(nullif(pg_temp.drover_json(cell), 'null'), '{}');
BEGIN
  FOR at IN 1 .. cardinality(path) - 1 LOOP
    IF found #> path[1:at] IS NULL THEN found := jsonb_set(found, path[1:at], '{}'); END IF;
  END LOOP;
  RETURN jsonb_set(found, path, value);
END $$`,
]

function postgresJson(cell: string, type: string, keys: readonly string[]): JsonSql {
  const text = (value: string): string => quoteText(value, 'postgres')
  const path = `ARRAY[${keys.map(text).join(', ')}]::text[]`
  const stored = (jsonb: string): string => {
    if (type === 'jsonb') return jsonb
    return `${jsonb}::${type === 'json' ? 'json' : 'text'}`
  }
  const parsed = `pg_temp.drover_json(${cell}::text)`
  return {
    prepare: postgresFunctions,
    cleanUp: [
      'DROP FUNCTION pg_temp.drover_json_set(text, text[], jsonb)',
      'DROP FUNCTION pg_temp.drover_json_state(text, text[])',
      'DROP FUNCTION pg_temp.drover_json(text)',
    ],
    state: `pg_temp.drover_json_state(${cell}::text, ${path})`,
    attribute: `(${parsed} #> ${path})`,
    set: (value) => stored(`pg_temp.drover_json_set(${cell}::text, ${path}, ${value})`),
    removed: stored(`(${parsed} #- ${path})`),
    isEmpty: `${parsed} = ${text(JSON.stringify(emptyOf(keys)))}::jsonb`,
    constant: (value) => `${text(JSON.stringify(value))}::jsonb`,
  }
}

/** What stays of an object that was made for the attribute alone. */
function emptyOf(keys: readonly string[]): object {
  return keys.slice(0, -1).reduceRight<object>((inner, key) => Object.fromEntries([[key, inner]]), {})
}
