import { memoryStateStore, type Report, runPipeline, type Sink, type Source } from '@drover/core'
import type { CheckpointRecord } from '../../../records/checkpoint-record.js'
import type { LayoutName } from '../../layout.js'
import { layoutByName } from '../../registry.js'
import type { StorePlace } from '../../store-place.js'

export function sourceOf(layout: LayoutName, place: StorePlace): Source<CheckpointRecord> {
  return layoutByName('test', layout).source({ place }) as Source<CheckpointRecord>
}

export function sinkOf(
  layout: LayoutName,
  place: StorePlace,
  onConflict: 'error' | 'skip' | 'update' = 'error',
): Sink<CheckpointRecord> {
  const { sink } = layoutByName('test', layout)
  if (sink === undefined) throw new Error(`"${layout}" is only read.`)
  return sink({ place, onConflict }) as Sink<CheckpointRecord>
}

/** Copies all checkpoints of one store into another. */
export async function migrate(
  [from, source]: readonly [LayoutName, StorePlace],
  [to, target]: readonly [LayoutName, StorePlace],
  {
    onConflict = 'error',
    ...options
  }: { onConflict?: 'error' | 'skip' | 'update'; maxRejected?: number; batchSize?: number } = {},
): Promise<Report> {
  return await runPipeline({
    name: `${from} to ${to}, ${onConflict}`,
    source: sourceOf(from, source),
    sink: sinkOf(to, target, onConflict),
    state: memoryStateStore(),
    ...options,
  })
}
