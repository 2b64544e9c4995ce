import { DroverError, type Row } from '@drover/core'
import { shownName } from '../../catalog/read-postgres.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteTable, quoteText } from '../../sql/quote.js'
import { leavesBroken, saidBy } from './dependents.js'
import { onceSteps } from './once.js'
import { ViewsAside } from './postgres-views.js'
import { besideTable } from './short-name.js'

type Map = Readonly<Record<string, string>>

/**
 * A new type with the name of the old one. PostgreSQL takes no value out of an enum, and what compares with a value, an index or a check, stands in the way
 * of a column that changes its type: it is dropped, and made again behind it.
 */
export async function changeInPostgres(
  steps: Steps,
  by: string,
  name: string,
  values: readonly string[],
  map: Map,
): Promise<void> {
  if (!steps.isInTransaction) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: it is several statements that belong together; put it into a revision of its own without transaction: 'none'.`,
    )
  }
  const once = await onceSteps(steps, by, { values, map })
  if (once === undefined) return
  if (once.isPreview) {
    return once.unseen(`columns of the type are changed with it: ${JSON.stringify({ values, map })}`, by)
  }
  const type = await readType(once, by, name)
  const unknown = Object.keys(map).filter((value) => !type.values.includes(value))
  if (unknown.length > 0) {
    throw new DroverError('NAME_UNKNOWN', `${by}: map speaks of ${unknown.join(', ')}, which is none of its values.`)
  }
  const columns = await readColumns(once, type.id)
  const gone = type.values.filter((value) => !values.includes(value) && map[value] === undefined)
  await refuseUnmapped(once, by, columns, gone)
  await new EnumChange(once, by, { name, type, values, map, columns }).run()
}

interface EnumType {
  readonly id: string
  /** As SQL writes it. */
  readonly written: string
  readonly values: readonly string[]
  readonly comment: string | null
}

interface EnumColumn {
  readonly table: string
  /** As SQL names it. */
  readonly relation: string
  readonly column: string
  readonly isArray: boolean
  readonly default: string | null
}

interface Change {
  readonly name: string
  readonly type: EnumType
  readonly values: readonly string[]
  readonly map: Map
  readonly columns: readonly EnumColumn[]
}

class EnumChange {
  constructor(
    private readonly steps: Steps,
    private readonly by: string,
    private readonly asked: Change,
  ) {}

  async run(): Promise<void> {
    const { steps, by } = this
    const { name, type, values, columns } = this.asked
    const catalog = await steps.catalog()
    const tables = [...new Set(columns.map(({ table }) => table))]
    const behind = await this.#dependents()
    const views = catalog === null ? undefined : await ViewsAside.drop(steps, by, catalog, tables)
    for (const { drop } of behind) await this.#run(drop)
    const old = besideTable(name, 'postgres', (bare) => `drover_old_${bare}`)
    await this.#run(`ALTER TYPE ${quoteTable(name)} RENAME TO ${quoteName(old.slice(old.lastIndexOf('.') + 1))}`)
    await this.#run(`CREATE TYPE ${quoteTable(name)} AS ENUM (${values.map(text).join(', ')})`)
    if (type.comment !== null) await this.#run(`COMMENT ON TYPE ${quoteTable(name)} IS ${text(type.comment)}`)
    for (const column of columns) await this.#column(column)
    await this.#attempt('what else is of the type', `DROP TYPE ${quoteTable(old)}`)
    for (const { what, create } of behind) await this.#attempt(what, create)
    await views?.restore()
  }

  async #column({ relation, column, isArray, default: initial }: EnumColumn): Promise<void> {
    const { name } = this.asked
    const alter = `ALTER TABLE ${relation} ALTER COLUMN ${quoteName(column)}`
    const target = `${quoteTable(name)}${isArray ? '[]' : ''}`
    if (initial !== null) await this.#run(`${alter} DROP DEFAULT`)
    await this.#run(`${alter} TYPE ${target} USING ${this.#converted(quoteName(column), isArray)}::${target}`)
    if (initial !== null) await this.#run(`${alter} SET DEFAULT ${this.#default(initial)}`)
  }

  #converted(column: string, isArray: boolean): string {
    const pairs = Object.entries(this.asked.map)
    if (!isArray) {
      const cases = pairs.map(([from, to]) => ` WHEN ${text(from)} THEN ${text(to)}`).join('')
      return pairs.length === 0 ? `${column}::text` : `(CASE ${column}::text${cases} ELSE ${column}::text END)`
    }
    // A subquery is not allowed here, so that values are replaced one after the other.
    if (pairs.some(([, to]) => this.asked.map[to] !== undefined)) {
      throw new DroverError(
        'OPTION_INVALID',
        `${this.by}: in the array ${column} values cannot be exchanged in one go; map them in two changes.`,
      )
    }
    return pairs.reduce(
      (inner, [from, to]) => `array_replace(${inner}, ${text(from)}, ${text(to)})`,
      `${column}::text[]`,
    )
  }

  #default(initial: string): string {
    const value = /^'((?:[^']|'')*)'::/.exec(initial)?.[1]?.replaceAll("''", "'")
    const to = value === undefined ? undefined : this.asked.map[value]
    return to === undefined ? initial : text(to)
  }

  /** Indexes and checks that speak of the type. */
  async #dependents(): Promise<{ readonly what: string; readonly drop: string; readonly create: string }[]> {
    const { columns, type } = this.asked
    const relations = [...new Set(columns.map(({ relation }) => relation))].map(
      (relation) => `${text(relation)}::regclass`,
    )
    if (relations.length === 0) return []
    const speaks = text(`::${type.written}`)
    const rows = await this.steps.read(
      `SELECT 'the index ' || i.oid::regclass AS what, 'DROP INDEX ' || i.oid::regclass AS "drop", pg_catalog.pg_get_indexdef(i.oid) AS "create"
FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
WHERE x.indrelid IN (${relations.join(', ')}) AND pg_catalog.strpos(pg_catalog.pg_get_indexdef(i.oid), ${speaks}) > 0
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL SELECT 'the check ' || k.conname, pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname),
  pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_catalog.pg_get_constraintdef(k.oid))
FROM pg_catalog.pg_constraint AS k WHERE k.conrelid IN (${relations.join(', ')}) AND k.contype = 'c' AND pg_catalog.strpos(pg_catalog.pg_get_constraintdef(k.oid), ${speaks}) > 0`,
    )
    return rows.map((row) => ({ what: String(row.what), drop: String(row.drop), create: String(row.create) }))
  }

  async #attempt(what: string, sql: string): Promise<void> {
    try {
      await this.#run(sql)
    } catch (error) {
      if (!/depend on it|invalid input value/.test(saidBy(error))) throw error
      throw leavesBroken(this.by, [`${what} (${saidBy(error)})`])
    }
  }

  async #run(sql: string): Promise<void> {
    await this.steps.run(sql, { by: this.by })
  }
}

async function readType(steps: Steps, by: string, name: string): Promise<EnumType> {
  const [found] = await steps.read(
    `SELECT y.oid::int8 AS id, pg_catalog.format_type(y.oid, NULL) AS written, pg_catalog.obj_description(y.oid, 'pg_type') AS comment, y.typacl IS NOT NULL AS "hasRights",
  (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = y.oid) AS "values"
FROM pg_catalog.pg_type AS y WHERE y.oid = pg_catalog.to_regtype(${text(quoteTable(name))}) AND y.typtype = 'e'`,
  )
  if (found === undefined) throw new DroverError('NAME_UNKNOWN', `${by}: there is no enum ${name}.`)
  if (found.hasRights === true) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: ${name} has rights of its own, which a new type cannot take over. Revoke them before, and grant them again behind it, in the same revision.`,
    )
  }
  return {
    id: String(found.id),
    written: String(found.written),
    values: Array.isArray(found.values) ? found.values.map(String) : [],
    comment: found.comment === null ? null : String(found.comment),
  }
}

async function readColumns(steps: Steps, id: string): Promise<EnumColumn[]> {
  const rows = await steps.read(
    `SELECT ${shownName('c', 'n')} AS table, c.oid::regclass::text AS relation, a.attname AS column, a.atttypid = y.typarray AS "isArray", pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS "default"
FROM pg_catalog.pg_type AS y JOIN pg_catalog.pg_attribute AS a ON a.atttypid IN (y.oid, y.typarray) AND NOT a.attisdropped
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE y.oid = ${id} ORDER BY c.oid, a.attnum`,
  )
  return rows.map((row: Row) => ({
    table: String(row.table),
    relation: String(row.relation),
    column: String(row.column),
    isArray: row.isArray === true,
    default: row.default === null ? null : String(row.default),
  }))
}

async function refuseUnmapped(
  steps: Steps,
  by: string,
  columns: readonly EnumColumn[],
  gone: readonly string[],
): Promise<void> {
  if (gone.length === 0) return
  const list = gone.map(text).join(', ')
  const lost: string[] = []
  for (const { table, relation, column, isArray } of columns) {
    const name = quoteName(column)
    const where = isArray ? `${name}::text[] && ARRAY[${list}]` : `${name}::text IN (${list})`
    const [row] = await steps.read(`SELECT count(*) AS rows FROM ${relation} WHERE ${where}`)
    if (Number(row?.rows) > 0) lost.push(`${table}.${column} in ${String(row?.rows)} rows`)
  }
  if (lost.length === 0) return
  throw new DroverError(
    'LOSS_REFUSED',
    `${by}: ${gone.join(', ')} would be gone, and rows have it: ${lost.join(', ')}. Say in map what becomes of them.`,
  )
}

function text(value: string): string {
  return quoteText(value, 'postgres')
}
