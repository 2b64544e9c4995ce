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
