import type { CheckpointState, SealedState } from '../records/checkpoint-record.js'
import type { StoredValue } from '../records/stored-value.js'
import { sliceJson } from './json/slice-json.js'
import { sliceMsgpack } from './msgpack/slice-msgpack.js'
import { isObject } from './tags/tag.js'
import { naming } from './unreadable.js'

/** What a checkpoint consists of that is kept as one value. */
export interface Sliced {
  readonly checkpoint: Record<string, unknown>
  readonly channels: Record<string, StoredValue>
}

/**
 * Takes a checkpoint that is kept as one value apart: the values of its channels are its own bytes, as they stand there. One that is
 * encrypted, pickled or of an unknown type stays sealed.
 *
 * A field beside the channels that JSON has no form for (sends that wait, in checkpoints of old) is a {@link StoredValue}.
 *
 * @throws `RECORD_UNREADABLE` naming the byte
 */
export function sliceCheckpoint(value: StoredValue): CheckpointState | SealedState {
  const { type } = value
  if (type !== 'msgpack' && type !== 'json') return { sealed: value }
  const bytes = value.bytes ?? new Uint8Array(0)
  const { checkpoint, channels } = naming(`A checkpoint of the type "${type}"`, () =>
    type === 'msgpack' ? sliceMsgpack(bytes) : sliceJson(bytes),
  )
  return { checkpoint, channels: withEmpty(checkpoint.channel_versions, channels) }
}

/** Each channel that has a version is named, also where it has no value. */
function withEmpty(versions: unknown, channels: Record<string, StoredValue>): Record<string, StoredValue> {
  if (!isObject(versions)) return channels
  const missing = Object.keys(versions).filter((channel) => !Object.hasOwn(channels, channel))
  if (missing.length === 0) return channels
  return Object.fromEntries([
    ...Object.entries(channels),
    ...missing.map((channel): [string, StoredValue] => [channel, { type: 'empty', bytes: null }]),
  ])
}
