import type { ByteStream } from './byte-stream.js'

/** Lines in a block of bytes; every line is whole. */
export interface LineBlock {
  readonly bytes: Buffer
  /** Offset in the file of the block's first byte. */
  readonly offset: number
}

const lineFeed = 0x0a

/** Cuts a stream behind line feeds. A line may be of any length: it is put together once, when its end is found. */
export async function* lineBlocks(stream: ByteStream, offset: number): AsyncGenerator<LineBlock> {
  let pending: Buffer[] = []
  let start = offset
  for (let chunk = await stream.next(); chunk !== null; chunk = await stream.next()) {
    const end = chunk.lastIndexOf(lineFeed) + 1
    if (end === 0) {
      pending.push(chunk)
      continue
    }
    const bytes = Buffer.concat([...pending, chunk.subarray(0, end)])
    yield { bytes, offset: start }
    start += bytes.length
    pending = end === chunk.length ? [] : [chunk.subarray(end)]
  }
  if (pending.length > 0) yield { bytes: Buffer.concat(pending), offset: start }
}

/** Behind the line that begins at `start`, its line feed included. */
export function lineEnd(bytes: Buffer, start: number): number {
  const at = bytes.indexOf(lineFeed, start)
  return at < 0 ? bytes.length : at + 1
}

/** Whether nothing but blanks stands between two places. */
export function isBlank(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!isSpace(bytes[at] as number)) return false
  return true
}

/** White space of JSON (RFC 8259, 2). */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
