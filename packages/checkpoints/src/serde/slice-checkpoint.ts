import { DroverError } from '@drover/core'
import type { CheckpointState, SealedState } from '../records/checkpoint-record.js'
import type { StoredValue } from '../records/stored-value.js'

/**
 * Takes a checkpoint that is kept as one value apart: the values of its channels are its own bytes, as they stand there. One that is
 * encrypted or pickled stays sealed.
 *
 * A field beside the channels that JSON cannot hold (sends that wait, in checkpoints of old) is a {@link StoredValue}.
 *
 * @throws `RECORD_UNREADABLE` naming the byte
 */
export function sliceCheckpoint(value: StoredValue): CheckpointState | SealedState {
  throw new DroverError('UNEXPECTED', `A checkpoint of the type ${value.type} cannot be taken apart yet.`)
}
