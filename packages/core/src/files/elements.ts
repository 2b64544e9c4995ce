import { ArrayScanner } from './array-scanner.js'
import type { ByteStream } from './byte-stream.js'

/** Elements of an array in a block of bytes; every element is whole. */
export interface ElementBlock {
  readonly bytes: Buffer
  /** Where they stand in `bytes`. */
  readonly starts: readonly number[]
  readonly ends: readonly number[]
  /** Offset in the file of the block's first byte. */
  readonly offset: number
}

/** The array ends before it should. */
export class UnfinishedArrayError extends Error {
  constructor(readonly missing: string) {
    super(`the file ends where ${missing} should be`)
  }
}

/**
 * Finds the elements of the array in a stream that begins at `offset`. An element may be of any length: it is put together
 * once, when its end is found.
 *
 * @throws {ArrayStructureError} @throws {UnfinishedArrayError}
 */
export async function* elementBlocks(
  stream: ByteStream,
  offset: number,
  behindElement: boolean,
): AsyncGenerator<ElementBlock> {
  const scanner = new ArrayScanner(offset, behindElement)
  let pending: Buffer[] = []
  let start = offset
  let end = offset
  for (let chunk = await stream.next(); chunk !== null; chunk = await stream.next()) {
    const found = scanner.scan(chunk)
    pending.push(chunk)
    end += chunk.length
    if (found.starts.length === 0 && scanner.open < end) continue
    const bytes = pending.length === 1 ? chunk : Buffer.concat(pending)
    yield {
      bytes,
      starts: found.starts.map((at) => at - start),
      ends: found.ends.map((at) => at - start),
      offset: start,
    }
    pending = scanner.open < end ? [bytes.subarray(scanner.open - start)] : []
    start = scanner.open
  }
  if (scanner.missing !== null) throw new UnfinishedArrayError(scanner.missing)
}
