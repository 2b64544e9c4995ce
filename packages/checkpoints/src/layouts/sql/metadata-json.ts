import { DroverError, encodeJson } from '@drover/core'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import { pythonJson } from '../../serde/json/parse-json.js'
import type { LayoutName } from '../layout.js'
import { shownCheckpoint } from './sql-language.js'

/**
 * The metadata of a checkpoint as a library keeps it. NaN and infinities are none of JSON's numbers; Python writes and reads them, where the store
 * takes any text.
 *
 * @throws `RECORD_REFUSED`
 */
export function metadataJson(record: CheckpointRecord, layout: LayoutName): string {
  try {
    return encodeJson(record.metadata, { values: 'plain' })
  } catch (cause) {
    if (!DroverError.isInstance(cause, 'RECORD_REFUSED')) throw cause
    if (layout === 'langgraph-sqlite') return pythonJson(record.metadata)
    throw new DroverError(
      'RECORD_REFUSED',
      `${shownCheckpoint(record)} has metadata that "${layout}" cannot keep. ${cause.message}`,
      { cause },
    )
  }
}
