import { checkChoice, checkOptionNames, checkText, DroverError } from '@drover/core'
import type { JsonAttribute } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteTable } from '../../sql/quote.js'
import { tableNamed } from '../tables.js'
import { isSameRow, type JsonPlace, jsonPlace, rememberedIn } from './json-place.js'
import type { JsonState } from './json-sql.js'
import { onceSteps } from './once.js'
import { rowsShown } from './rows-shown.js'

/**
 * Sets an attribute in the json of rows that lack it. Rows that have it, `null` included, keep theirs; the way back knows them, and those whose
 * json was NULL or `null`, from a table of its own.
 *
 * @throws `CONDITION_FAILED` if json is malformed, or no object, and `malformed` is 'fail'
 */
export async function addJsonAttribute(steps: Steps, attribute: JsonAttribute): Promise<void> {
  const { table, column, path, value, malformed = 'fail', missing = 'create' } = attribute
  const by = `addJsonAttribute ${table}.${column}`
  check(by, attribute, ['value', 'missing'])
  checkChoice(by, 'missing', missing, ['create', 'keep'])
  if (value === undefined) throw new DroverError('OPTION_INVALID', `${by}: give the value, which may be null.`)
  const once = await onceSteps(steps, by, attribute)
  if (once === undefined) return
  const place = await jsonPlace(once, by, attribute)
  if (place === undefined) return unseen(once, by, attribute)
  const { sql } = place
  await runAll(once, by, sql.prepare)
  if (malformed === 'fail') await refuse(once, place, ['malformed', 'wrong-type'], path)
  const without: JsonState[] = missing === 'create' ? ['missing', 'null', 'json-null'] : ['missing']
  const remembered = await remember(once, place, missing === 'create' ? ['present', 'null', 'json-null'] : ['present'])
  const changed = await once.run(
    `UPDATE ${place.table} AS t SET ${place.column} = ${sql.set(sql.constant(value))} WHERE ${sql.state} IN (${without.map((state) => `'${state}'`).join(', ')})`,
    { by },
  )
  const left = await listed(
    once,
    place,
    missing === 'create' ? ['malformed', 'wrong-type'] : ['malformed', 'wrong-type', 'null', 'json-null'],
  )
  await runAll(once, by, sql.cleanUp)
  once.note(
    `${table}.${column}: ${path} was added to ${changed} rows${left === '' ? '' : `; left as they were: ${left}`}${remembered === undefined ? '' : `; ${remembered} remembers those that had it, or had no object, for the way back`}.`,
  )
}

/** Takes the attribute away again, from rows that did not have it before. */
export async function removeJsonAttribute(
  steps: Steps,
  attribute: Omit<JsonAttribute, 'value' | 'missing'>,
): Promise<void> {
  const { table, column, path, malformed = 'fail' } = attribute
  const by = `removeJsonAttribute ${table}.${column}`
  check(by, attribute, [])
  const once = await onceSteps(steps, by, attribute)
  if (once === undefined) return
  const place = await jsonPlace(once, by, attribute)
  if (place === undefined) return unseen(once, by, attribute)
  const { sql, catalog } = place
  await runAll(once, by, sql.prepare)
  if (malformed === 'fail') await refuse(once, place, ['malformed'], path)
  const side = sideTable(once, place)
  const remembered = tableNamed(catalog, side) === undefined ? undefined : quoteTable(side, once.dialect)
  const among = (reason: string): string =>
    `EXISTS (SELECT 1 FROM ${remembered} AS s WHERE ${isSameRow(place)} AND s.drover_reason ${reason})`
  const had = remembered === undefined ? '' : ` AND NOT ${among(`= 'present'`)}`
  const changed = await once.run(
    `UPDATE ${place.table} AS t SET ${place.column} = ${sql.removed} WHERE ${sql.state} = 'present'${had}`,
    { by },
  )
  if (remembered !== undefined) {
    const original = `(SELECT s.drover_original FROM ${remembered} AS s WHERE ${isSameRow(place)})`
    await once.run(
      `UPDATE ${place.table} AS t SET ${place.column} = ${original} WHERE CASE ${sql.state} WHEN 'missing' THEN ${sql.isEmpty} ELSE FALSE END AND ${among(`<> 'present'`)}`,
      { by },
    )
    await once.run(`DROP TABLE ${remembered}`, { by })
  }
  const left = await listed(once, place, ['malformed'])
  await runAll(once, by, sql.cleanUp)
  once.note(
    `${table}.${column}: ${path} was taken out of ${changed} rows${left === '' ? '' : `; left as they were: ${left}`}.`,
  )
}

function check(by: string, attribute: Omit<JsonAttribute, 'value' | 'missing'>, more: readonly string[]): void {
  checkOptionNames(by, attribute, ['table', 'column', 'path', 'malformed', ...more])
  checkText(by, 'table', attribute.table)
  checkText(by, 'column', attribute.column)
  checkText(by, 'path', attribute.path)
  checkChoice(by, 'malformed', attribute.malformed ?? 'fail', ['fail', 'keep'])
}

function unseen(steps: Steps, by: string, attribute: object): void {
  steps.unseen(
    `the statements follow from the column's type and the table's key as they are then: ${JSON.stringify(attribute)}`,
    by,
  )
}

export async function runAll(steps: Steps, by: string, statements: readonly string[]): Promise<void> {
  for (const sql of statements) await steps.run(sql, { by })
}

function sideTable(steps: Steps, { known, name, keys }: JsonPlace): string {
  return rememberedIn(steps, known.name, `${name}_${keys.at(-1)}_before`)
}

/** Notes rows in these states with their key, if there are any. */
async function remember(steps: Steps, place: JsonPlace, states: readonly JsonState[]): Promise<string | undefined> {
  const { by, table, column, key, sql, catalog } = place
  const side = sideTable(steps, place)
  if (tableNamed(catalog, side) !== undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: the table ${side} is there, so an earlier revision has added it, and rows are remembered for its way back. If nobody will go back, drop that table before.`,
    )
  }
  const among = `${sql.state} IN (${states.map((state) => `'${state}'`).join(', ')})`
  if (!steps.isPreview) {
    const found = await steps.read(`SELECT 1 AS found FROM ${table} AS t WHERE ${among} LIMIT 1`)
    if (found.length === 0) return undefined
  }
  const columns = key.map((each) => `t.${each}`).join(', ')
  await steps.run(
    `CREATE TABLE ${quoteTable(side, steps.dialect)} AS SELECT ${columns}, ${sql.state} AS drover_reason, CASE WHEN ${sql.state} <> 'present' THEN t.${column} END AS drover_original FROM ${table} AS t WHERE ${among}`,
    { by },
  )
  await indexKey(steps, place, side)
  return side
}

/** The way back finds rows by their key. */
export async function indexKey(steps: Steps, { by, key }: JsonPlace, side: string): Promise<void> {
  const name = side
    .slice(side.lastIndexOf('.') + 1)
    .replace('drover_kept_', 'drover_kept_by_')
    .slice(0, 63)
  const { dialect } = steps
  await steps.run(`CREATE INDEX ${quoteTable(name, 'sqlite')} ON ${quoteTable(side, dialect)} (${key.join(', ')})`, {
    by,
  })
}

/** `malformed 2 rows (id 1, id 7), null 1 row (id 3)` */
export async function listed(steps: Steps, place: JsonPlace, states: readonly JsonState[]): Promise<string> {
  const parts: string[] = []
  for (const state of states) {
    const rows = await rowsShown(steps, `${place.table} AS t WHERE ${place.sql.state} = '${state}'`, place.key)
    if (rows !== undefined) parts.push(`${state} ${rows}`)
  }
  return parts.join(', ')
}

async function refuse(steps: Steps, place: JsonPlace, states: readonly JsonState[], path: string): Promise<void> {
  const found = await listed(steps, place, states)
  if (found === '') return
  throw new DroverError(
    'CONDITION_FAILED',
    `${place.by}: ${path} cannot be looked for in json that is malformed or no object: ${found}. Mend these rows, or leave them as they are with malformed: 'keep'.`,
  )
}
