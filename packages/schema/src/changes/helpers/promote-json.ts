import { checkOptionNames, checkText, DroverError } from '@drover/core'
import type { ColumnDefinition, Promoted, PromoteJson } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteTable } from '../../sql/quote.js'
import { literal } from '../../steps/inline-values.js'
import { addColumn } from '../add-column.js'
import { addColumnByRebuild } from '../sqlite-limits.js'
import { tableNamed } from '../tables.js'
import { indexKey, runAll } from './json-attribute.js'
import { type JsonPlace, jsonPlace, rememberedIn } from './json-place.js'
import { jsonTarget } from './json-target.js'
import { onceSteps } from './once.js'
import { rowsShown } from './rows-shown.js'

type Kept = Promoted['kept']
const reasons = ['malformed', 'null', 'json-null', 'wrong-type', 'missing'] as const

/**
 * Makes a column of an attribute in json. A row is promoted if the attribute is there and is a value of the column's type, without a loss; all
 * others get `otherwise` and keep their json as it is. They are counted and listed in a note, and their keys are kept in a table of their own,
 * `drover_kept_<table>_<column>`, with the value that they got: so `demoteJson` knows later whether it was changed.
 *
 * @throws `OPTION_INVALID`, `NAME_UNKNOWN`
 */
export async function promoteJson(steps: Steps, promotion: PromoteJson): Promise<Promoted> {
  const { by, definition, name } = checked('promoteJson', promotion)
  const { otherwise, remove = true, path } = promotion
  const none: Promoted = { promoted: 0, kept: keptOf(() => 0) }
  const once = await onceSteps(steps, by, promotion)
  if (once === undefined) return none
  const place = await jsonPlace(once, by, promotion)
  if (place !== undefined) refuseAgain(once, place, name)
  await addColumn(once, promotion.table, name, definition, by)
  if (place === undefined) {
    once.unseen(
      `the statements follow from the column's type and the table's key as they are then: ${JSON.stringify(promotion)}`,
      by,
    )
    return none
  }
  const { table, sql, key } = place
  const column = quoteName(name)
  const target = await jsonTarget(once, place, column, definition)
  await runAll(once, by, [...sql.prepare, ...target.prepare])
  const promotable = `CASE ${sql.state} WHEN 'present' THEN ${target.fits} ELSE FALSE END`
  if (otherwise !== undefined) {
    await once.run(`UPDATE ${table} AS t SET ${column} = ${literal(otherwise, once.dialect)} WHERE NOT ${promotable}`, {
      by,
    })
  }
  const promoted = await once.run(`UPDATE ${table} AS t SET ${column} = ${target.value} WHERE ${promotable}`, { by })
  const side = sideTable(once, place, name)
  const attribute = `CASE WHEN ${promotable} THEN ${sql.attribute} END`
  // As texts: 1.50 and 1.5 are the same number, and written in two ways.
  const isOther =
    once.dialect === 'sqlite'
      ? `${target.back} IS NOT ${sql.attribute}`
      : `${target.back}::text IS DISTINCT FROM ${sql.attribute}::text`
  const reason = `CASE ${sql.state} WHEN 'present' THEN CASE WHEN ${target.fits} THEN 'promoted' ELSE 'wrong-type' END ELSE ${sql.state} END`
  await once.run(
    `CREATE TABLE ${quoteTable(side, once.dialect)} AS SELECT ${key.map((each) => `t.${each}`).join(', ')}, ${reason} AS drover_reason, t.${column} AS drover_value, ${attribute} AS drover_original ` +
      `FROM ${table} AS t WHERE CASE WHEN ${promotable} THEN ${isOther} ELSE TRUE END`,
    { by },
  )
  await indexKey(once, place, side)
  if (remove) {
    await once.run(`UPDATE ${table} AS t SET ${place.column} = ${sql.removed} WHERE ${promotable}`, { by })
  }
  await runAll(once, by, [...target.cleanUp, ...sql.cleanUp])
  if (once.isPreview) return none
  const kept = await countKept(once, side)
  await say(once, place, { side, promoted, kept, what: `${path} became ${promotion.table}.${name}` })
  return { promoted, kept }
}

export function checked(helper: string, promotion: PromoteJson) {
  const { table, column, to, path } = promotion
  const by = `${helper} ${table}.${column}`
  checkOptionNames(by, promotion, ['table', 'column', 'path', 'to', 'otherwise', 'remove'])
  checkText(by, 'table', table)
  checkText(by, 'column', column)
  checkText(by, 'path', path)
  const { name, ...rest } = to
  checkText(by, 'to.name', name)
  checkText(by, 'to.type', to.type)
  const definition: ColumnDefinition = rest
  if (definition.nullable === false && (definition.default === undefined || definition.default === null)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: ${name} is not nullable and has no default, but rows may lack the attribute: give it a default, or let it be nullable.`,
    )
  }
  return { by, definition, name, isRebuilt: addColumnByRebuild(definition) }
}

/** Where rows are remembered that were left as they were. */
export function sideTable(steps: Steps, { known }: JsonPlace, name: string): string {
  return rememberedIn(steps, known.name, name)
}

function refuseAgain(steps: Steps, place: JsonPlace, name: string): void {
  const side = sideTable(steps, place, name)
  if (tableNamed(place.catalog, side) === undefined) return
  throw new DroverError(
    'OPTION_INVALID',
    `${place.by}: the table ${side} is there, which remembers rows of an earlier promotion to ${name}. If nobody will go back, drop that table before.`,
  )
}

async function countKept(steps: Steps, side: string): Promise<Kept> {
  const rows = await steps.read(
    `SELECT drover_reason AS reason, count(*) AS rows FROM ${quoteTable(side, steps.dialect)} GROUP BY drover_reason`,
  )
  return keptOf((reason) => Number(rows.find((row) => row.reason === reason)?.rows ?? 0))
}

function keptOf(count: (reason: keyof Kept) => number): Kept {
  return {
    malformed: count('malformed'),
    null: count('null'),
    'json-null': count('json-null'),
    'wrong-type': count('wrong-type'),
    missing: count('missing'),
  }
}

interface Said {
  readonly side: string
  readonly promoted: number
  readonly kept: Kept
  readonly what: string
}

async function say(steps: Steps, { by, key }: JsonPlace, { side, promoted, kept, what }: Said): Promise<void> {
  const table = quoteTable(side, steps.dialect)
  const [left] = await steps.read(`SELECT count(*) AS rows FROM ${table}`)
  // Nothing to remember.
  if (Number(left?.rows) === 0) await steps.run(`DROP TABLE ${table}`, { by })
  const parts: string[] = []
  for (const reason of reasons) {
    if (kept[reason] === 0) continue
    parts.push(`${reason} ${await rowsShown(steps, `${table} WHERE drover_reason = '${reason}'`, key)}`)
  }
  const list = parts.length === 0 ? '' : ` Left as they were: ${parts.join(', ')}; ${side} has all of them.`
  steps.note(`${what} in ${promoted} rows.${list}`)
}
