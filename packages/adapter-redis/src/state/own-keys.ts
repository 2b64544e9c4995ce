/** What stands in the names of all keys that Drover keeps, whatever stands before it; the hash tag comes behind it. */
export const ownMark = 'drover:v1:{'

const mark = Buffer.from(ownMark)

/** Whether a key is Drover's own: of a state store, or the position of a sink. */
export function isOwnKey(key: Uint8Array): boolean {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).includes(mark)
}
