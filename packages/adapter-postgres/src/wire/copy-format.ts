/** What COPY binary begins with: its signature, no flags, no extension (PostgreSQL's manual, COPY, "Binary Format"). */
export const copyHeader: Uint8Array = Uint8Array.of(
  ...[0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0],
  ...[0, 0, 0, 0],
  ...[0, 0, 0, 0],
)

/** What it ends with, where a row would say its number of columns: -1. */
export const copyTrailer: Uint8Array = Uint8Array.of(0xff, 0xff)

/** Rows of COPY binary, one behind the other in one buffer, without header and trailer. */
export interface CopyRows {
  readonly bytes: Buffer
  /** Where each row begins; it ends where the next one does, the last one at `end`. */
  readonly starts: Uint32Array
  readonly end: number
}
