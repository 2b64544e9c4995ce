import { DroverError, type JsonValue, type Partition } from '@drover/core'
import type { Relation } from './relation.js'
import { checkedKey, compareSql, type StoredKey } from './stored-key.js'

/** Keys above `after` up to and including `upto`; null is open. */
export interface KeyRange {
  readonly after: StoredKey | null
  readonly upto: StoredKey | null
}

/**
 * The bounds of a partition; all keys if it has none.
 *
 * @throws `STATE_INVALID`
 */
export function rangeOf({ id, bounds }: Partition, relation: Relation): KeyRange {
  if (bounds === null) return { after: null, upto: null }
  if (typeof bounds === 'object' && 'after' in bounds && 'upto' in bounds) {
    return { after: bound(bounds.after, relation), upto: bound(bounds.upto, relation) }
  }
  throw new DroverError(
    'STATE_INVALID',
    `${relation.shown}: the bounds of partition "${id}" are none that a PostgreSQL source made. Start the run anew.`,
  )
}

/** The condition of a range; null if it is open at both ends. */
export function rangeSql(relation: Relation, { after, upto }: KeyRange): string | null {
  const conditions = [
    after === null ? null : compareSql(relation, '>', after),
    upto === null ? null : compareSql(relation, '<=', upto),
  ].filter((condition) => condition !== null)
  return conditions.length === 0 ? null : conditions.join(' AND ')
}

function bound(stored: JsonValue | undefined, relation: Relation): StoredKey | null {
  return stored === null ? null : checkedKey(stored, relation)
}
