import type { Page } from '../../contracts/page.js'
import type { Commit, Partition, Position } from '../../contracts/position.js'
import type { CommitBatch, ExactSession, ExactSink, Outcome } from '../../contracts/sink.js'
import type { Row } from '../../contracts/values.js'
import { noCounts } from '../../engine/counts.js'

export const operation = { signal: new AbortController().signal }
export const whole: Partition = { id: 'all', bounds: null }

export interface Drive {
  readonly run: string
  readonly fence: number
  readonly partition: Partition
  readonly batchSize: number
  /** Called before each batch gives its position; what it throws breaks the batch off. */
  readonly onCommit?: (commit: Commit) => void
  /** Records that stand before this one are in the output of an earlier run. */
  readonly from: number
}

export const driveDefaults: Drive = { run: 'run-1', fence: 1, partition: whole, batchSize: 3, from: 0 }

/** Records with an id and some text that takes more than a byte a character. */
export function records(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({ id: i + 1, text: `Zeile ${i + 1}: ä€😀`, tags: [i, null] }))
}

/** One page as a source would make it. */
export function pageOf(rows: readonly Row[], cursor: number): Page<Row> {
  return {
    count: rows.length,
    bytes: rows.length * 50,
    cursor,
    rows: () => rows,
    keys: () => rows.map((_, i) => ({ source: [cursor - rows.length + i], child: 0 })),
    slice: (from, to) => pageOf(rows.slice(from, to), cursor),
  }
}

/** A batch of pages of two records. */
export function batchOf(
  position: Position,
  rows: readonly Row[],
  { done, onCommit }: { readonly done: boolean; readonly onCommit?: (commit: Commit) => void },
): CommitBatch<Row> {
  const start = (position.cursor as number | null) ?? 0
  return {
    partition: position.partition,
    sequence: position.sequence + 1,
    async commit({ inserted }: Outcome): Promise<Commit> {
      if (inserted !== rows.length) throw new Error(`${inserted} of ${rows.length} rows are accounted for`)
      const commit = { ...position, sequence: position.sequence + 1, cursor: start + rows.length, done }
      onCommit?.(commit)
      return commit
    },
    async *[Symbol.asyncIterator]() {
      for (let at = 0; at < rows.length; at += 2)
        yield pageOf(rows.slice(at, at + 2), start + Math.min(rows.length, at + 2))
    },
  }
}

/** The position to go on from: what `claim` gave, or the beginning. */
export function startOf(claimed: Position | null, { run, fence, partition, from }: Drive): Position {
  return claimed ?? { run, partition, fence, sequence: 0, cursor: from, done: false, counts: noCounts }
}

/** Claims a partition and writes what is missing of `rows`, as the engine does. */
export async function drive(
  session: ExactSession,
  rows: readonly Row[],
  options: Partial<Drive> = {},
): Promise<Position> {
  const settings = { ...driveDefaults, ...options }
  const { run, fence, partition, batchSize, onCommit } = settings
  let position = startOf(await session.claim({ run, partition, fence }, operation), settings)
  while (!position.done) {
    const start = position.cursor as number
    const end = Math.min(rows.length, start + batchSize)
    const batch = batchOf(position, rows.slice(start, end), {
      done: end === rows.length,
      ...(onCommit === undefined ? {} : { onCommit }),
    })
    let committed: Commit | undefined
    const commit = async (outcome: Outcome): Promise<Commit> => {
      committed = await batch.commit(outcome)
      return committed
    }
    await session.write({ ...batch, commit }, { ...operation, mode: 'commit' })
    if (committed === undefined) throw new Error('a batch was not committed')
    position = committed
  }
  return position
}

/** A whole attempt: opens a session, writes, finishes, closes. */
export async function runOnce(sink: ExactSink, rows: readonly Row[], options: Partial<Drive> = {}): Promise<void> {
  await using session = await sink.connect(operation)
  await session.prepare?.({ fields: [], key: [] }, operation)
  await drive(session, rows, options)
  await session.finish?.('completed', operation)
}
