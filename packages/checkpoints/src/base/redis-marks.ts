import { DroverError } from '@drover/core'
import { shownCheckpoint } from '../layouts/sql/sql-language.js'
import type { CheckpointRecord } from '../records/checkpoint-record.js'
import type { StoredValue } from '../records/stored-value.js'

/** What Python's saver for Redis writes into JSON for values that JSON has no form for. Quotes within a text are escaped, so these are names. */
const marks = ['"__bytes__":', '"__send__":', '"__interrupt__":', '"__delta_snapshot__":'].map((mark) =>
  Buffer.from(mark),
)

/**
 * Refuses values that only Python's saver for Redis reads: its other savers would take the marks for dictionaries of the application.
 *
 * @throws `RECORD_REFUSED`
 */
export function refuseRedisMarks(record: CheckpointRecord, layout: string): void {
  if (record.language !== 'python' || 'sealed' in record.state) return
  const values: readonly (readonly [string, StoredValue])[] = [
    ...Object.entries(record.state.channels),
    ...record.writes.map(({ channel, value }) => [channel, value] as const),
  ]
  const marked = values.find(([, { type, bytes }]) => type === 'json' && bytes !== null && isMarked(bytes))
  if (marked === undefined) return
  throw new DroverError(
    'RECORD_REFUSED',
    `${shownCheckpoint(record)} cannot be kept in "${layout}": channel "${marked[0]}" holds bytes, a Send, an Interrupt or a snapshot in the form of langgraph-checkpoint-redis, which no other saver reads. Write it into Redis, or export it.`,
  )
}

function isMarked(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return marks.some((mark) => text.includes(mark))
}
