import { DroverError, type ExactSink, type Row, type SinkOperation, type StateStore } from '@drover/core'
import { LazyStateStore } from '../../base/lazy-state-store.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { LayoutFinding, LayoutName, LayoutSinkOptions } from '../layout.js'

interface TableSink {
  readonly name: string
  readonly onConflict: NonNullable<LayoutSinkOptions['onConflict']>
  /** The adapter's sink; its package is loaded when it is connected. */
  readonly open: (operation: SinkOperation) => Promise<ExactSink<CheckpointRecord>>
  readonly stateStore: () => Promise<StateStore>
  /** The record that is read after this one was written. */
  readonly readsBackAs: (record: CheckpointRecord) => CheckpointRecord
}

/** A sink of checkpoints in SQL, as it is known before the adapter's package is loaded. */
export function tableSink({ name, onConflict, open, stateStore, readsBackAs }: TableSink): ExactSink<CheckpointRecord> {
  const isKeyed = onConflict !== 'error'
  return {
    specVersion: 1,
    name,
    ...(isKeyed ? { version: onConflict } : {}),
    guarantee: 'exactly-once',
    keyed: isKeyed,
    batchSize: 1000,
    limits: { bytes: 32 * 1024 * 1024 },
    connect: async (operation) => {
      const session = await (await open(operation)).connect(operation)
      return Object.assign(session, {
        readsBackAs: (record: object) => readsBackAs(record as CheckpointRecord) as object as Row,
      })
    },
    stateStore: () => new LazyStateStore(name, stateStore),
  }
}

/**
 * Refuses to write where tables are of something else, or of a version that is not known.
 *
 * @param found What was found of the layout, else of another one.
 * @param elsewhere Where to write in its place.
 * @throws `SINK_NOT_READY`
 */
export function requireOwnTables(
  layout: LayoutName,
  found: LayoutFinding | undefined,
  { tables, elsewhere }: { readonly tables: readonly string[]; readonly elsewhere: string },
): void {
  const refusal = `Checkpoints of "${layout}" cannot be written:`
  if (found?.layout !== layout) {
    const what = found === undefined ? `a table ${tables.join(', ')} of something else` : `the layout "${found.layout}"`
    throw new DroverError(
      'SINK_NOT_READY',
      `${refusal} ${what} is there. Write into ${elsewhere}, or name that layout.`,
    )
  }
  if (found.problem !== undefined) throw new DroverError('SINK_NOT_READY', `${refusal} ${found.problem}`)
}
