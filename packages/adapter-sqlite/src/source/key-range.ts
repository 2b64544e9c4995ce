import type { JsonValue, Partition } from '@drover/core'
import { DroverError } from '@drover/core'
import { boundKey } from './key-value.js'
import type { Relation } from './relation.js'
import { joinSql, type Sql } from './sql.js'

/** Keys above `after` up to and including `upto`, as cursors hold them; null is open. */
export interface KeyRange {
  readonly after: JsonValue | null
  readonly upto: JsonValue | null
}

/** The bounds of a partition; all keys if it has none. */
export function rangeOf(partition: Partition): KeyRange {
  const { bounds } = partition
  if (bounds === null) return { after: null, upto: null }
  if (typeof bounds === 'object' && 'after' in bounds && 'upto' in bounds) {
    return { after: bounds.after ?? null, upto: bounds.upto ?? null }
  }
  throw new DroverError(
    'STATE_INVALID',
    `The bounds of partition "${partition.id}" are none that an SQLite source made. Start the run anew.`,
  )
}

/** The key's columns, with a table's alias before each. */
export function keyColumns(relation: Relation, prefix = ''): readonly string[] {
  return relation.key.map((place) => `${prefix}${relation.reads[place]?.sql}`)
}

/** The condition of a range; null if it is open at both ends. Row values compare as a key does, and use its index. */
export function rangeSql(relation: Relation, range: KeyRange, prefix = ''): Sql | null {
  const columns = keyColumns(relation, prefix)
  const conditions = [compare(columns, '>', range.after), compare(columns, '<=', range.upto)].filter(
    (condition) => condition !== null,
  )
  return conditions.length === 0 ? null : joinSql(conditions, ' AND ')
}

function compare(columns: readonly string[], operator: string, key: JsonValue | null): Sql | null {
  if (key === null) return null
  const values = joinSql(boundKey(key, columns.length), ', ')
  return { sql: `(${columns.join(', ')}) ${operator} (${values.sql})`, values: values.values }
}
