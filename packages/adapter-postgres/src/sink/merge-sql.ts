import { quoteName } from '../connection/quote-name.js'
import { type Column, findColumn, type Table } from '../schema/table.js'
import type { StageImages } from '../undo/stage-images.js'
import type { ConflictPolicy } from './conflict.js'

export interface Merge {
  readonly table: Table
  readonly policy: ConflictPolicy
  /** Columns that the rows bring. */
  readonly columns: readonly Column[]
  /** As SQL names it: where the rows are, in the order in which they came. */
  readonly stage: string
}

/** Where what rows were before is kept, for an undo. */
export interface KeptBefore {
  readonly images: StageImages
  /** Rows that were met, as SQL names the table; null if none can be. */
  readonly kept: string | null
}

/** One statement that takes all rows of a stage and leaves those alone that are there. */
export function insertSql(merge: Merge): string {
  return insertFrom(merge, merge.stage)
}

/** The same; it counts. */
export function insertKeepingSql(merge: Merge, { images }: KeptBefore): string {
  return `WITH written AS (${insertFrom(merge, merge.stage)} RETURNING ${images.returned}),
    drover_j AS (${images.insertSql('written', null)})
    SELECT count(*)::int AS inserted, 0 AS updated FROM written`
}

/**
 * The same, with rows that are there being updated; it counts.
 *
 * @param hasRepeats Several rows have one key: they become the row that would stand there if each had come by itself.
 * @param before Then it counts `unseen` rows too, which were updated and not kept before.
 */
export function upsertSql(merge: Merge, hasRepeats: boolean, before?: KeptBefore): string {
  const { returned, isInserted } = tellsApart(merge)
  const images = before === undefined ? '' : `, ${before.images.returned}`
  const written = `(${insertFrom(merge, hasRepeats ? 'incoming' : merge.stage)} RETURNING ${returned}${images})`
  const journal = before === undefined ? '' : `, drover_j AS (${before.images.insertSql('written', before.kept)})`
  const strange =
    before === undefined
      ? ''
      : `, count(*) FILTER (WHERE NOT (${isInserted}) AND NOT EXISTS (SELECT FROM ${before.kept} AS i WHERE i.drover_key = w.drover_key))::int AS unseen`
  const counts = `count(*) FILTER (WHERE ${isInserted}) AS inserted, count(*) FILTER (WHERE NOT (${isInserted})) AS updated${strange}`
  if (!hasRepeats) return `WITH written AS ${written}${journal} SELECT ${counts} FROM written AS w`
  return `WITH incoming AS MATERIALIZED (${distinctRows(merge)}), written AS ${written}${journal}
    SELECT ${counts}, (SELECT count(*) FROM incoming) AS distinct FROM written AS w`
}

/**
 * A row that was inserted has no xmax; one that was updated was locked before by this very transaction, which stands there. A partitioned
 * table does not give it; there the statement looks at the table as it was when it began.
 */
function tellsApart({ table, policy }: Merge): { readonly returned: string; readonly isInserted: string } {
  if (table.kind !== 'partitioned table')
    return { returned: 'xmax = 0 AS "is inserted"', isInserted: 'w."is inserted"' }
  const key = policy.key.map(quoteName)
  const same = key.map((name) => `t.${name} = w.${name}`).join(' AND ')
  return { returned: key.join(', '), isInserted: `NOT EXISTS (SELECT FROM ${table.sql} AS t WHERE ${same})` }
}

/** Of the columns that rows bring, those that they replace in rows that are there. */
export function replacedColumns({ policy, columns }: Pick<Merge, 'policy' | 'columns'>): readonly string[] {
  const names = columns.filter(({ identity }) => identity !== 'always').map(({ name }) => name)
  switch (policy.kind) {
    case 'update': {
      const others = names.filter((name) => !policy.key.includes(name))
      // With nothing but the key there is nothing to replace, and the row still counts as updated.
      return others.length > 0 ? others : names.slice(0, 1)
    }
    case 'merge':
      return names.filter((name) => policy.columns.includes(name))
    default:
      return []
  }
}

/** @param from What stands behind FROM. */
export function insertFrom(merge: Merge, from: string): string {
  const { table, policy, columns } = merge
  const names = columns.map(({ name }) => quoteName(name)).join(', ')
  const overriding = columns.some(({ identity }) => identity === 'always') ? ' OVERRIDING SYSTEM VALUE' : ''
  const conflict =
    policy.kind === 'error' ? '' : ` ON CONFLICT (${policy.key.map(quoteName).join(', ')}) ${onConflict(merge)}`
  return `INSERT INTO ${table.sql} (${names})${overriding} SELECT ${names} FROM ${from}${conflict}`
}

function onConflict(merge: Merge): string {
  const replaced = replacedColumns(merge)
  if (replaced.length === 0) return 'DO NOTHING'
  return `DO UPDATE SET ${replaced.map((name) => `${quoteName(name)} = excluded.${quoteName(name)}`).join(', ')}`
}

/** The stage is a table that nobody has deleted from, so rows are in the order of their places in it. */
function distinctRows(merge: Merge): string {
  const { columns, stage, table, policy } = merge
  const replaced = replacedColumns(merge)
  // The first row of a key is inserted, those behind it replace some of its columns.
  const values = columns.map(({ name }) => {
    const pick = replaced.includes(name) ? 'last_value' : 'first_value'
    return `${pick}(${quoteName(name)}) OVER same AS ${quoteName(name)}`
  })
  const index = table.uniqueIndexes.find(
    ({ columns: indexed }) =>
      indexed.length === policy.key.length && indexed.every((name) => policy.key.includes(name ?? '')),
  )
  const nullable = policy.key.filter((name) => findColumn(table.columns, name)?.isNullable)
  const isNull = nullable.map((name) => `${quoteName(name)} IS NULL`).join(' OR ')
  // Nulls are no two rows of one key.
  const alone = nullable.length > 0 && index?.isNullsNotDistinct !== true ? [`CASE WHEN ${isNull} THEN ctid END`] : []
  const same = [...policy.key.map(quoteName), ...alone].join(', ')
  return `SELECT * FROM (
    SELECT ${values.join(', ')}, row_number() OVER same = 1 AS "drover is first" FROM ${stage}
    WINDOW same AS (PARTITION BY ${same} ORDER BY ctid ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
  ) AS picked WHERE "drover is first"`
}
