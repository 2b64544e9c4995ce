import { DroverError } from '@drover/core'
import { shownCheckpoint } from '../layouts/sql/sql-language.js'
import type { CheckpointRecord } from '../records/checkpoint-record.js'

/**
 * Refuses a checkpoint for a store that keeps the last one alone, if it cannot stand by itself: the value of a delta channel is what its
 * ancestors' writes add up to.
 *
 * @param whole The layout that keeps all of them.
 * @throws `RECORD_REFUSED`
 */
export function requireWholeValues(record: CheckpointRecord, layout: string, whole: string): void {
  const { metadata, parent_checkpoint_id, state } = record
  const counters = metadata.counters_since_delta_snapshot
  if (parent_checkpoint_id === null || typeof counters !== 'object' || counters === null || 'sealed' in state) return
  const versions = (state.checkpoint.channel_versions ?? {}) as Readonly<Record<string, unknown>>
  const missing = Object.keys(counters).find(
    (channel) => versions[channel] !== undefined && (state.channels[channel]?.type ?? 'empty') === 'empty',
  )
  if (missing === undefined) return
  throw new DroverError(
    'RECORD_REFUSED',
    `${shownCheckpoint(record)}: the value of its delta channel "${missing}" is made of the writes of the checkpoints before it, and ` +
      `"${layout}" keeps the last one only. Write it as "${whole}".`,
  )
}
