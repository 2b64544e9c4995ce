import { DroverError } from '@drover/core'
import type { CheckpointState, SealedState } from '../records/checkpoint-record.js'
import type { StoredValue } from '../records/stored-value.js'

/** How a checkpoint is kept as one value: `msgpack` by Python's savers, `json` by those of JavaScript. */
export type WholeForm = 'msgpack' | 'json'

/**
 * Makes one value of a checkpoint again: what `sliceCheckpoint` takes apart.
 *
 * @param form Without it that of its channels' values; `msgpack` where they do not say.
 * @throws `RECORD_REFUSED` naming the channel whose value has no place in that form; `RECORD_UNREADABLE` where one is cut off or broken
 */
export function spliceCheckpoint(state: CheckpointState | SealedState, form?: WholeForm): StoredValue {
  throw new DroverError('UNEXPECTED', `A checkpoint cannot be put together yet: ${Object.keys(state)}, ${form}.`)
}
