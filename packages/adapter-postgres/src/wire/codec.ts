import type { WireBuffer } from './wire-buffer.js'

/**
 * The forms of one type's values: as records hold them, as COPY binary and as COPY text and array literals do.
 * NULL is not its business.
 */
export interface Codec {
  /** Of the bytes `[at, at + length)`. */
  decode(bytes: Buffer, at: number, length: number): unknown
  /**
   * Writes the binary form, without the length in front of it.
   *
   * @throws `ValueRefused`
   */
  encode(value: unknown, out: WireBuffer): void
  /**
   * The text that Postgres reads as the value, before anything is escaped.
   *
   * @throws `ValueRefused`
   */
  text(value: unknown): string
  /**
   * The binary form of a value that stands as UTF-8 in `[at, end)`: what `encode` writes of the text or, where a codec takes them, of the
   * integer. Codecs without it are given the value. The bytes hold no U+0000.
   *
   * @returns Whether it did; if not, nothing is written, and the value is to be encoded.
   */
  readonly encodeUtf8?: { readonly of: 'text' | 'integer'; readonly write: WriteUtf8 } | undefined
  /**
   * Why the bytes cannot be decoded without a loss; undefined if they can. Codecs without it can decode all that
   * Postgres sends.
   */
  problem?(bytes: Buffer, at: number, length: number): string | undefined
}

export type WriteUtf8 = (bytes: Buffer, at: number, end: number, out: WireBuffer) => boolean
