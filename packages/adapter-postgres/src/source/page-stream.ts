import { type Cursor, DroverError, type Filter, type ReadOptions } from '@drover/core'
import type { CopyPage } from '../wire/copy-page.js'
import { keyOfStage, readCatchingUp } from './catch-up.js'
import { refuseDuplicatesOf, refuseUnreadableKeys } from './check-key.js'
import { rangeOf } from './key-range.js'
import { filterSql } from './push-down.js'
import { PassReader } from './read-pass.js'
import { asking, type ReadSettings } from './read-settings.js'
import type { Relation } from './relation.js'
import { snapshotGone } from './shared-snapshot.js'
import { checkedKey, type StoredKey } from './stored-key.js'

/** One long read: of the table as it changes, of one moment, or in two passes that catch up with late commits. */
export async function* readPages(
  settings: ReadSettings,
  { signal, page, partition, after, filter }: ReadOptions,
): AsyncGenerator<CopyPage, void, undefined> {
  const { relation, snapshot, catchUp } = settings
  const range = rangeOf(partition, relation)
  const pushed = filter === undefined ? null : pushedSql(filter, relation)
  const place = after === null ? null : placeOf(settings, after, partition.start)
  if (relation.doubts !== 'none') {
    await asking(settings, { signal }, async (connection) => {
      await refuseUnreadableKeys(connection, relation)
      if (place !== null) await refuseDuplicatesOf(connection, relation, place)
    })
  }
  const passes = new PassReader(settings)
  if (catchUp) {
    yield* readCatchingUp(settings, passes, { signal, page, after, partition, range, filter: pushed })
    return
  }
  yield* passes.read({
    signal,
    page,
    range: { ...range, after: place ?? range.after },
    filter: pushed,
    cursorAt: (key) => (snapshot === null ? key : { snapshot: snapshot.identity, key }),
  })
}

/**
 * The key behind which a read goes on.
 *
 * @throws `STATE_INVALID`; `STORE_UNAVAILABLE` if it was read of a moment that is gone
 */
export function placeOf(settings: ReadSettings, after: Cursor, start: Cursor | undefined): StoredKey | null {
  const { relation, snapshot, catchUp } = settings
  if (catchUp) return keyOfStage(after, relation)
  if (snapshot === null) return checkedKey(after, relation)
  const stored = (Array.isArray(after) ? {} : after) as { readonly snapshot?: unknown; readonly key?: Cursor }
  const key = checkedKey(stored.key, relation)
  // A new run that goes on where an older one ended takes its own moment.
  const isNewRun = JSON.stringify(after) === JSON.stringify(start)
  if (!isNewRun && stored.snapshot !== snapshot.identity) throw snapshotGone(relation.shown)
  return key
}

/** What the engine pushed down: `pushDown` said that it can be done. */
export function pushedSql(filter: Filter, relation: Relation): string {
  const { reads, fields, isUtf8, shown } = relation
  const sql = filterSql(filter, { columns: reads.slice(0, fields), isUtf8 })
  if (sql !== null) return sql
  throw new DroverError('CONTRACT_BROKEN', `${shown}: a filter was pushed down that pushDown did not take.`)
}
