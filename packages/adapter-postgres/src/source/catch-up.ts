import { type Cursor, DroverError, type JsonValue, type Operation, type ReadOptions } from '@drover/core'
import type { CopyPage } from '../wire/copy-page.js'
import type { KeyRange } from './key-range.js'
import type { PassReader } from './read-pass.js'
import { asking, type ReadSettings } from './read-settings.js'
import type { Relation } from './relation.js'
import { allOfSql } from './sql.js'
import { checkedKey, type StoredKey } from './stored-key.js'

/**
 * Where a read in two passes stands. Transactions get their numbers when they begin to write, and commit in any order; so do
 * the keys that a sequence gives them. What commits behind the place where a read already is, it does not see.
 *
 * `mark` is the number of the oldest transaction that was running when the pass began: all rows of older ones were there to be
 * read. So behind the first pass the second one reads what newer ones have written, wherever it stands; what they write while
 * that goes on is for the next run, which begins at the second mark; at the first one, if the second pass had no rows. Rows that
 * were read may come again.
 */
interface Stage {
  readonly pass: 1 | 2
  /** Of the transactions whose rows the pass reads, the oldest; null for all rows. */
  readonly floor: string | null
  readonly mark: string
  readonly key: StoredKey | null
}

type Wanted = Pick<ReadOptions, 'signal' | 'page' | 'after' | 'partition'> & {
  readonly range: KeyRange
  readonly filter: string | null
}

export async function* readCatchingUp(
  settings: ReadSettings,
  passes: PassReader,
  { signal, page, after, partition, range, filter }: Wanted,
): AsyncGenerator<CopyPage, void, undefined> {
  let stage = await firstStage(settings, after, partition.start, { signal })
  for (;;) {
    const { key } = stage
    const since = stage.floor === null ? null : await writtenSince(settings, stage.floor, { signal })
    yield* passes.read({
      signal,
      page,
      range: { ...range, after: key ?? range.after },
      filter: filter === null && since === null ? null : allOfSql([filter, since]),
      cursorAt: cursorIn(stage),
    })
    if (stage.pass === 2) return
    stage = { pass: 2, floor: stage.mark, mark: await oldestRunning(settings, { signal }), key: null }
  }

  function cursorIn({ pass, floor, mark }: Stage): (key: StoredKey) => Cursor {
    return (key) => ({ pass, floor, mark, key })
  }
}

/** The key at which a cursor stands, to know whether the records with it are one. */
export function keyOfStage(cursor: JsonValue, relation: Relation): StoredKey | null {
  return stageOf(cursor, relation).key
}

async function firstStage(
  settings: ReadSettings,
  after: Cursor | null,
  start: Cursor | undefined,
  operation: Operation,
): Promise<Stage> {
  const stored = after === null ? null : stageOf(after, settings.relation)
  const isNewRun = stored === null || JSON.stringify(after) === JSON.stringify(start)
  if (!isNewRun) return stored
  return { pass: 1, floor: stored?.mark ?? null, mark: await oldestRunning(settings, operation), key: null }
}

async function oldestRunning(settings: ReadSettings, operation: Operation): Promise<string> {
  return (await transactionNumbers(settings, operation)).oldest
}

/**
 * Rows of that transaction and newer ones. Numbers of rows have 32 bits and are compared in a circle, in which rows that are very
 * old may look new, but none that is new looks old (PostgreSQL's manual, "Preventing Transaction ID Wraparound Failures").
 *
 * @returns null for all rows: the number is too old to be compared, or from another server
 */
async function writtenSince(settings: ReadSettings, floor: string, operation: Operation): Promise<string | null> {
  const { next } = await transactionNumbers(settings, operation)
  const distance = BigInt(next) - BigInt(floor)
  if (distance < 0n || distance >= 2n ** 31n) return null
  return `age(d.xmin) <= age('${BigInt.asUintN(32, BigInt(floor))}'::xid)`
}

async function transactionNumbers(
  settings: ReadSettings,
  operation: Operation,
): Promise<{ readonly oldest: string; readonly next: string }> {
  const { rows } = await asking(settings, operation, (connection) =>
    connection.query<{ oldest: string; next: string }>(
      `SELECT pg_snapshot_xmin(s)::text AS oldest, pg_snapshot_xmax(s)::text AS next FROM pg_current_snapshot() AS s`,
      [],
      { doing: `asking for the transactions that run on ${settings.database.name}` },
    ),
  )
  return rows[0] ?? { oldest: '0', next: '0' }
}

function stageOf(cursor: JsonValue, relation: Relation): Stage {
  if (typeof cursor === 'object' && cursor !== null && !Array.isArray(cursor)) {
    const { pass, floor, mark, key } = cursor as { readonly [name: string]: JsonValue }
    const isNumber = (value: JsonValue | undefined): value is string =>
      typeof value === 'string' && /^\d{1,20}$/.test(value)
    if ((pass === 1 || pass === 2) && (floor === null || isNumber(floor)) && isNumber(mark)) {
      return { pass, floor, mark, key: key === null ? null : checkedKey(key, relation) }
    }
  }
  throw new DroverError(
    'STATE_INVALID',
    `${relation.shown}: the stored cursor is none of a read with catchUp. Start the run anew, or leave catchUp as it was.`,
  )
}
