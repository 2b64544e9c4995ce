import { DroverError } from '@drover/core'
import type { ColumnDefinition } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteText } from '../../sql/quote.js'
import { columnType } from '../column-sql.js'
import type { JsonPlace } from './json-place.js'

/** How values go from json into a column of a type and back. `t` is the table. */
export interface JsonTarget {
  readonly prepare: readonly string[]
  readonly cleanUp: readonly string[]
  /** The attribute is a value of the type, without a loss. */
  readonly fits: string
  /** The attribute as the column takes it. */
  readonly value: string
  /** The column as json. */
  readonly back: string
  /** The column holds what json has none of. */
  readonly hasNoJson: string
}

/** @param column Quoted. */
export async function jsonTarget(
  steps: Steps,
  place: JsonPlace,
  column: string,
  definition: ColumnDefinition,
): Promise<JsonTarget> {
  return steps.dialect === 'sqlite'
    ? sqliteTarget(place, `t.${column}`, definition.type)
    : await postgresTarget(steps, place, `t.${column}`, columnType(definition.type, 'postgres'))
}

function sqliteTarget({ sql, sqlitePath, column }: JsonPlace, target: string, type: string): JsonTarget {
  const found = `json_extract(t.${column}, ${sqlitePath})`
  const kind = `json_type(t.${column}, ${sqlitePath})`
  const text = { value: found, back: `json(json_quote(${target}))`, hasNoJson: `typeof(${target}) = 'blob'` }
  const about = (fits: string, rest: Partial<JsonTarget> = {}): JsonTarget => ({
    prepare: [],
    cleanUp: [],
    fits,
    ...text,
    ...rest,
  })
  const finite = `${found} BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308`
  if (/json/i.test(type)) {
    const back = `json(CASE WHEN json_valid(${target}) THEN ${target} ELSE json_quote(${target}) END)`
    return about(`${kind} <> 'null'`, { value: sql.attribute, back })
  }
  if (/bool/i.test(type)) {
    const back = `json(CASE ${target} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE json_quote(${target}) END)`
    return about(`${kind} IN ('true', 'false')`, { back })
  }
  if (/int/i.test(type)) return about(`(${kind} = 'integer' AND typeof(${found}) = 'integer')`)
  if (/real|floa|doub/i.test(type)) {
    return about(`(${kind} IN ('integer', 'real') AND ${finite} AND CAST(${found} AS REAL) = ${found})`)
  }
  if (/num|dec/i.test(type)) return about(`(${kind} IN ('integer', 'real') AND ${finite})`)
  const longest = /char\w*\s*\((\d+)\)/i.exec(type)?.[1]
  return about(longest === undefined ? `${kind} = 'text'` : `(${kind} = 'text' AND length(${found}) <= ${longest})`)
}

async function postgresTarget(steps: Steps, { by, sql }: JsonPlace, target: string, type: string): Promise<JsonTarget> {
  const [found] = await steps.read(
    `SELECT typcategory AS category, typname AS name FROM pg_catalog.pg_type WHERE oid = pg_catalog.to_regtype(${quoteText(type, 'postgres')})`,
  )
  if (found === undefined && !steps.isPreview) {
    throw new DroverError('NAME_UNKNOWN', `${by}: PostgreSQL has no type ${type}.`)
  }
  const name = String(found?.name)
  const isJson = name === 'json' || name === 'jsonb'
  const body = isJson
    ? `BEGIN IF $1 = 'null' THEN RETURN NULL; END IF; RETURN $1::${name}; END `
    : typedBody(String(found?.category), type)
  const fitting = `pg_temp.drover_json_value(${sql.attribute})`
  return {
    prepare: [
      `CREATE FUNCTION pg_temp.drover_json_value(jsonb) RETURNS ${type} LANGUAGE plpgsql STABLE AS $$\n${body}$$`,
    ],
    cleanUp: ['DROP FUNCTION pg_temp.drover_json_value(jsonb)'],
    fits: `${fitting} IS NOT NULL`,
    value: fitting,
    back: `to_jsonb(${target})`,
    hasNoJson: 'FALSE',
  }
}

/** A number or a text that the type would round or cut does not fit; a time may be written in another way. */
function typedBody(category: string, type: string): string {
  const kind = category === 'N' ? 'number' : category === 'B' ? 'boolean' : 'string'
  const isExact = kind !== 'string' || category === 'S' || category === 'E'
  return `DECLARE result ${type};
BEGIN
  IF jsonb_typeof($1) <> '${kind}' THEN RETURN NULL; END IF;
  result := ($1 #>> '{}')::${type};
${isExact ? '  IF to_jsonb(result) <> $1 THEN RETURN NULL; END IF;\n' : ''}  RETURN result;
EXCEPTION WHEN others THEN RETURN NULL; END `
}
