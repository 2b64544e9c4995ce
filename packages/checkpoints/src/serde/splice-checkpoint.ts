import { DroverError, encodeJson, ValueRefused } from '@drover/core'
import type { CheckpointState, SealedState } from '../records/checkpoint-record.js'
import type { StoredValue } from '../records/stored-value.js'
import { valueIn, type WholeForm } from './forms.js'
import { MsgpackWriter } from './msgpack/msgpack-writer.js'

/**
 * Makes one value of a checkpoint again: what `sliceCheckpoint` takes apart. The values of channels stand in it byte for byte.
 *
 * @param form Without it that of its channels' values; `msgpack` where they do not say.
 * @throws `RECORD_REFUSED` naming the channel whose value has no place in that form; `RECORD_UNREADABLE` where one is cut off or broken
 */
export function spliceCheckpoint(state: CheckpointState | SealedState, form?: WholeForm): StoredValue {
  if ('sealed' in state) return state.sealed
  const whole = form ?? formOf(state)
  const fields = orderedFields(state, whole)
  return { type: whole, bytes: whole === 'msgpack' ? inMsgpack(fields) : inJson(fields) }
}

function formOf({ channels }: CheckpointState): WholeForm {
  const types = Object.values(channels).map(({ type }) => type)
  return types.includes('json') && !types.includes('msgpack') ? 'json' : 'msgpack'
}

type Encoded = readonly [name: string, value: Uint8Array | readonly Encoded[]]

/** The libraries write the values of channels before their versions. */
function orderedFields({ checkpoint, channels }: CheckpointState, form: WholeForm): Encoded[] {
  const { channel_values: _, ...others } = checkpoint
  const fields = Object.entries(others).map(
    ([name, value]): Encoded => [name, refusing(`The field "${name}"`, () => fieldIn(value, form))],
  )
  const values = Object.entries(channels)
    .filter(([, { type }]) => type !== 'empty')
    .map(([name, value]): Encoded => [name, refusing(`The channel "${name}"`, () => valueIn(value, form))])
  const place = fields.findIndex(([name]) => name === 'channel_versions')
  fields.splice(place < 0 ? fields.length : place, 0, ['channel_values', values])
  return fields
}

function fieldIn(value: unknown, form: WholeForm): Uint8Array {
  if (isStored(value)) return valueIn(value, form)
  if (form === 'json') return Buffer.from(encodeJson(value, { values: 'plain' }))
  const writer = new MsgpackWriter()
  writer.value(value)
  return writer.bytes
}

function isStored(value: unknown): value is StoredValue {
  if (typeof value !== 'object' || value === null) return false
  return (value as Partial<StoredValue>).bytes instanceof Uint8Array
}

function inMsgpack(fields: readonly Encoded[]): Uint8Array {
  const writer = new MsgpackWriter()
  const write = (entries: readonly Encoded[]): void => {
    writer.map(entries.length)
    for (const [name, value] of entries) {
      writer.text(name)
      if (value instanceof Uint8Array) writer.raw(value)
      else write(value)
    }
  }
  write(fields)
  return writer.bytes
}

function inJson(fields: readonly Encoded[]): Uint8Array {
  const pieces: Uint8Array[] = []
  const write = (entries: readonly Encoded[]): void => {
    pieces.push(Buffer.from('{'))
    for (const [i, [name, value]] of entries.entries()) {
      pieces.push(Buffer.from(`${i === 0 ? '' : ','}${JSON.stringify(name)}:`))
      if (value instanceof Uint8Array) pieces.push(value)
      else write(value)
    }
    pieces.push(Buffer.from('}'))
  }
  write(fields)
  return new Uint8Array(Buffer.concat(pieces))
}

function refusing<T>(what: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (DroverError.isInstance(error, 'RECORD_UNREADABLE')) {
      throw new DroverError('RECORD_UNREADABLE', `${what}: ${error.message}`, { cause: error })
    }
    if (!(error instanceof ValueRefused)) throw error
    throw new DroverError('RECORD_REFUSED', `${what} is ${error.what}. ${error.remedy}`, { cause: error })
  }
}
