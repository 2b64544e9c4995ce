import { ArrayScanner } from './array-scanner.js'
import type { ByteStream } from './byte-stream.js'
import { MemberFinder } from './member-finder.js'

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
 * @param member The array is the member of that name in an object.
 *
 * @throws {ArrayStructureError} @throws {UnfinishedArrayError}
 */
export async function* elementBlocks(
  stream: ByteStream,
  offset: number,
  behindElement: boolean,
  member?: string,
): AsyncGenerator<ElementBlock> {
  let finder = member === undefined || behindElement ? undefined : new MemberFinder(member, offset)
  let scanner = new ArrayScanner(offset, behindElement, member !== undefined)
  let pending: Buffer[] = []
  let start = offset
  let end = offset
  for (let chunk = await stream.next(); chunk !== null; chunk = await stream.next()) {
    let piece = chunk
    if (finder !== undefined) {
      const at = finder.find(chunk)
      start = end += at ?? chunk.length
      if (at === null) continue
      piece = chunk.subarray(at)
      finder = undefined
      scanner = new ArrayScanner(start, false, true)
    }
    const found = scanner.scan(piece)
    pending.push(piece)
    end += piece.length
    if (found.starts.length === 0 && scanner.open < end) continue
    const bytes = pending.length === 1 ? piece : Buffer.concat(pending)
    yield {
      bytes,
      starts: found.starts.map((at) => at - start),
      ends: found.ends.map((at) => at - start),
      offset: start,
    }
    pending = scanner.open < end ? [bytes.subarray(scanner.open - start)] : []
    start = scanner.open
  }
  if (finder !== undefined) throw new UnfinishedArrayError(`the member "${member}"`)
  if (scanner.missing !== null) throw new UnfinishedArrayError(scanner.missing)
}
