import { DroverError } from '@drover/core'
import type { PromoteJson } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteTable } from '../../sql/quote.js'
import { dropColumns } from '../drop-columns.js'
import { isSameColumn, tableNamed } from '../tables.js'
import { runAll } from './json-attribute.js'
import { isSameRow, jsonPlace } from './json-place.js'
import { jsonTarget } from './json-target.js'
import { onceSteps } from './once.js'
import { checked, sideTable } from './promote-json.js'
import { rowsShown } from './rows-shown.js'

/**
 * The way back of `promoteJson`, with the same options. The column's values go into the json, those that were written meanwhile too. Rows that were
 * left as they were keep their json byte for byte, unless somebody has given the column another value since; then that goes into the json.
 * Then the column goes.
 *
 * @throws `LOSS_REFUSED` for values that the json of their row cannot take
 */
export async function demoteJson(steps: Steps, promotion: PromoteJson): Promise<void> {
  const { by, definition, name, isRebuilt } = checked('demoteJson', promotion)
  const once = await onceSteps(steps, by, promotion)
  if (once === undefined) return
  const place = await jsonPlace(once, by, promotion)
  if (place === undefined) {
    // Foreign keys are off for a revision whose preview speaks of a rebuild.
    const isConstrained = isRebuilt || definition.check !== undefined || definition.references !== undefined
    const about = isConstrained && once.dialect === 'sqlite' ? `rebuildTable ${promotion.table} by ${by}` : by
    once.unseen(`the statements follow from the rows that were left as they were: ${JSON.stringify(promotion)}`, about)
    return
  }
  const { table, sql, catalog, known, key } = place
  const { dialect } = once
  if (!known.columns.some((each) => isSameColumn(dialect, each.name, name))) {
    throw new DroverError('NAME_UNKNOWN', `${by}: there is no column ${known.name}.${name} to take back.`)
  }
  const column = `t.${quoteName(name)}`
  const target = await jsonTarget(once, place, quoteName(name), definition)
  const side = sideTable(once, place, name)
  const remembered = tableNamed(catalog, side) === undefined ? undefined : quoteTable(side, dialect)
  // Some types of PostgreSQL have no equality; their texts have.
  const isStill =
    dialect === 'sqlite' ? `s.drover_value IS ${column}` : `s.drover_value::text IS NOT DISTINCT FROM ${column}::text`
  const same = `FROM ${remembered} AS s WHERE ${isSameRow(place)} AND ${isStill}`
  const unchanged = remembered === undefined ? 'FALSE' : `EXISTS (SELECT 1 ${same})`
  await runAll(once, by, [...sql.prepare, ...target.prepare])
  const goesBack = `${column} IS NOT NULL AND NOT ${unchanged}`
  const lost = await rowsShown(
    once,
    `${table} AS t WHERE ${goesBack} AND (${sql.state} IN ('malformed', 'wrong-type') OR ${target.hasNoJson})`,
    key,
  )
  if (lost !== undefined) {
    throw new DroverError(
      'LOSS_REFUSED',
      `${by}: ${known.name}.${name} has values that cannot go into the json of their row, because that is malformed or no object: ${lost}. Mend their ${place.name}, or set ${name} to NULL where it may go.`,
    )
  }
  const differs =
    dialect === 'sqlite' ? `${sql.attribute} IS NOT ${target.back}` : `${sql.attribute} IS DISTINCT FROM ${target.back}`
  const both = await rowsShown(
    once,
    `${table} AS t WHERE ${goesBack} AND CASE ${sql.state} WHEN 'present' THEN ${differs} ELSE FALSE END AND NOT ${remembered === undefined ? 'FALSE' : `EXISTS (SELECT 1 FROM ${remembered} AS s WHERE ${isSameRow(place)})`}`,
    key,
  )
  const changed = await once.run(
    `UPDATE ${table} AS t SET ${place.column} = ${sql.set(target.back)} WHERE ${goesBack} AND CASE ${sql.state} WHEN 'present' THEN ${differs} ELSE TRUE END`,
    { by },
  )
  if (remembered !== undefined) {
    const original = dialect === 'sqlite' ? 'json(s.drover_original)' : 's.drover_original'
    const asItWas = `${same} AND s.drover_original IS NOT NULL`
    await once.run(
      `UPDATE ${table} AS t SET ${place.column} = ${sql.set(`(SELECT ${original} ${asItWas})`)} WHERE EXISTS (SELECT 1 ${asItWas}) AND ${sql.state} IN ('missing', 'null', 'json-null')`,
      { by },
    )
  }
  await runAll(once, by, [...target.cleanUp, ...sql.cleanUp])
  await dropColumns(once, known.name, [name])
  if (remembered !== undefined) await once.run(`DROP TABLE ${remembered}`, { by })
  const conflicts =
    both === undefined ? '' : ` Where json had the attribute again, the column's value was taken: ${both}.`
  once.note(`${known.name}.${name} went back into ${place.name} of ${changed} rows.${conflicts}`)
}
