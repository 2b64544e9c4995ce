import type { StoredValue } from '../../records/stored-value.js'

/** The code that langgraph-checkpoint gives `_DeltaSnapshot`. */
const deltaCode = 7

/** Whether it is the snapshot of a delta channel: an extension of MessagePack, told by its head. */
export function isDeltaSnapshot({ type, bytes }: StoredValue): boolean {
  if (type !== 'msgpack' || bytes === null) return false
  const first = bytes[0] ?? 0
  if (first >= 0xd4 && first <= 0xd8) return bytes[1] === deltaCode
  // Extensions of a length that is written: in one byte, two, or four.
  if (first < 0xc7 || first > 0xc9) return false
  return bytes[1 + (1 << (first - 0xc7))] === deltaCode
}
