/**
 * A value in the form in which a saver keeps it. It is carried from store to store byte for byte; `readValue` shows what it holds.
 */
export interface StoredValue {
  /**
   * The saver's name of the form: `msgpack`, `json`, `bytes`, `bytearray`, `null`, `pickle`, an encrypted one such as `msgpack+aes`; `empty` where a
   * channel has a version and no value; `inline` for null, text, number or boolean that the saver keeps in the checkpoint itself, as JSON.
   */
  readonly type: string
  /** Null with the types `null` and `empty`. */
  readonly bytes: Uint8Array | null
}

/** Whether what stands in a checkpoint's frame is a value in the saver's form, and not JSON. */
export function isStored(value: unknown): value is StoredValue {
  return typeof value === 'object' && value !== null && 'bytes' in value && value.bytes instanceof Uint8Array
}
