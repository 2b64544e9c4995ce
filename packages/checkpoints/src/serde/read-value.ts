import type { StoredValue } from '../records/stored-value.js'
import { openAes } from './aes/open-aes.js'
import { showJson } from './json/show-json.js'
import { showMsgpack } from './msgpack/show-msgpack.js'
import type { SerdeKeys } from './serde-keys.js'
import { OpaqueCount } from './tags/opaque.js'
import { bytesTag } from './tags/tag.js'
import { naming, TooDeep, Unreadable } from './unreadable.js'

/** A value as a person reads it. */
export interface Shown {
  /** JSON; integers beyond ±2^53 are `bigint`. What JSON has no form for stands as an object with `$type`, see docs/checkpoints.md. */
  readonly json: unknown
  /** How many values in it stay opaque, by type: `pickle`, `msgpack+aes`, `ext 42`. Empty if it was read whole. */
  readonly opaque: Readonly<Record<string, number>>
}

/** What {@link readValue} takes besides. */
export interface ReadValueOptions {
  readonly keys?: SerdeKeys
  /** What errors call the value. @default 'A value of the type "…"' */
  readonly name?: string
}

/**
 * Shows what a value holds. Nothing that the value names is ever imported, looked up or called: a class, a function, a module are names in the answer.
 *
 * @throws `RECORD_UNREADABLE` naming the byte where a value of a known type is cut off or broken, or its key does not fit
 */
export function readValue(value: StoredValue, options: ReadValueOptions = {}): Shown {
  const opaque = new OpaqueCount()
  return { json: showValue(value, opaque, options), opaque: opaque.counts }
}

/** The same for one value of several, whose opaque ones are counted together. */
export function showValue(
  value: StoredValue,
  opaque: OpaqueCount,
  { keys = {}, name }: ReadValueOptions = {},
): unknown {
  return naming(name ?? `A value of the type "${value.type}"`, () => shown(value, opaque, keys))
}

const noBytes = new Uint8Array(0)

function shown(value: StoredValue, opaque: OpaqueCount, keys: SerdeKeys): unknown {
  try {
    return ofType(value, opaque, keys)
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error
    return opaque.show(value.type, value.bytes ?? noBytes)
  }
}

function ofType({ type, bytes }: StoredValue, opaque: OpaqueCount, keys: SerdeKeys): unknown {
  switch (type) {
    case 'null':
    case 'empty':
      return null
    case 'msgpack':
      return showMsgpack(bytes ?? noBytes, opaque)
    case 'json':
    case 'inline':
      return showJson(bytes ?? noBytes)
    case 'bytes':
    case 'bytearray':
      return bytesTag(type, bytes ?? noBytes)
  }
  const cipher = type.lastIndexOf('+')
  if (cipher >= 0 && type.slice(cipher + 1) === 'aes' && keys.aes !== undefined) {
    if (bytes === null) throw new Unreadable('it has no bytes', 0)
    return shown({ type: type.slice(0, cipher), bytes: openAes(bytes, keys.aes) }, opaque, keys)
  }
  return opaque.show(type, bytes ?? noBytes)
}
