import type { StoredValue } from '../records/stored-value.js'
import { checkMsgpack } from '../serde/forms.js'
import { naming, Unreadable } from '../serde/unreadable.js'

/**
 * Looks whether a value of a known type is whole, without making anything of it. What extensions hold, and values of other types, travel as
 * they are.
 *
 * @param what It is, for the message: `Channel "messages"`.
 * @throws `RECORD_UNREADABLE` naming the byte
 */
export function checkValue({ type, bytes }: StoredValue, what: string): void {
  if (bytes === null || (type !== 'msgpack' && type !== 'json')) return
  if (type === 'msgpack') naming(`${what}, of the type "msgpack",`, () => checkMsgpack(bytes))
  else naming(`${what}, of the type "json",`, () => checkJson(bytes))
}

function checkJson(bytes: Uint8Array): void {
  try {
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
  } catch (cause) {
    throw new Unreadable('it is no JSON', Number(/position (\d+)/.exec(String(cause))?.[1] ?? 0))
  }
}
