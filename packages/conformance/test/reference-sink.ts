import {
  type Batch,
  type Commit,
  DroverError,
  type ExactSink,
  type Outcome,
  type Position,
  type Row,
} from '@drover/core'

/** What a sink can get wrong. */
export type Mistake =
  | 'takes commits of any fence'
  | 'stores the position before the rows'
  | 'stores the rows before the position is known'
  | 'stores each page by itself'
  | 'does not read the position back'

export interface ReferenceStore {
  readonly rows: Row[]
  readonly positions: Map<string, Position>
}

/** An exact sink as short as the contract allows, right or with one mistake. */
export function referenceSink(store: ReferenceStore, mistake?: Mistake): ExactSink {
  const is = (one: Mistake): boolean => mistake === one
  const refuse = (commit: Commit): void => {
    const held = store.positions.get(commit.partition.id)
    if (is('takes commits of any fence') || held === undefined) return
    if (held.fence > commit.fence || held.sequence !== commit.sequence - 1)
      throw new DroverError('FENCED', 'Another one was quicker.')
  }
  return {
    specVersion: 1,
    name: 'reference',
    guarantee: 'exactly-once',
    connect: async () => ({
      claim: async ({ run, partition, fence }) => {
        const held = store.positions.get(partition.id)
        if (held !== undefined && held.fence > fence) throw new DroverError('FENCED', 'A higher fence stands there.')
        const counts = {
          read: 0,
          written: 0,
          filtered: 0,
          rejected: 0,
          emitted: 0,
          inserted: 0,
          updated: 0,
          skipped: 0,
        }
        const now = { ...(held ?? { run, partition, sequence: 0, cursor: null, done: false, counts }), fence }
        store.positions.set(partition.id, now)
        if (!is('does not read the position back')) return held === undefined ? null : now
        store.positions.delete(partition.id)
        return null
      },
      write: async (batch, { mode }) => {
        const rows = await rowsOf(batch, is('stores each page by itself') && mode === 'commit' ? store.rows : undefined)
        if (mode === 'probe') return
        const outcome: Outcome = { inserted: rows.length, updated: 0, skipped: 0 }
        if (is('stores the rows before the position is known')) store.rows.push(...rows)
        const commit = await batch.commit(outcome)
        refuse(commit)
        store.positions.set(commit.partition.id, commit)
        if (is('stores the position before the rows')) await Promise.resolve()
        if (!is('stores the rows before the position is known') && !is('stores each page by itself'))
          store.rows.push(...rows)
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  }
}

async function rowsOf(batch: Batch<Row>, into: Row[] | undefined): Promise<Row[]> {
  const rows: Row[] = []
  for await (const page of batch) {
    rows.push(...page.rows())
    into?.push(...page.rows())
  }
  return rows
}
