import { exactFloat32 } from './exact-float32.js'
import { closeList, comma, NoJson, openList, pass, skipSpace } from './json-bytes.js'
import { openKernel } from './reading-kernel.js'

const fastest = openKernel()

/**
 * Reads a list of numbers as float32, each as the float32 that is nearest to what stands there: what is common by a few instructions of
 * WebAssembly that look at sixteen bytes at once, the others one by one.
 *
 * @param start Where the list begins.
 * @throws NoJson
 */
export function readFloat32s(bytes: Buffer, start: number, kernel = fastest): Float32Array {
  const begin = pass(bytes, start, openList)
  const end = bytes.indexOf(closeList, begin) + 1
  if (end === 0) throw new NoJson('end of a list', start)
  const { heap, floats, list, out } = kernel.room(end - begin)
  bytes.copy(heap, list, begin, end)
  const listEnd = list + end - begin
  let at = skipSpace(heap, list)
  if (heap[at] === closeList) return new Float32Array(0)
  let last = out
  for (;;) {
    last = kernel.read(at, last)
    at = kernel.stopped()
    if (at === listEnd) break
    const next = skipSpace(heap, at)
    if (next > at) {
      at = next
      continue
    }
    const numberEnd = endOfNumber(heap, at)
    floats[last >> 2] = exactFloat32(heap.toString('latin1', at, numberEnd), begin + at - list)
    last += 4
    at = skipSpace(heap, numberEnd)
    if (heap[at] === closeList) break
    if (heap[at] !== comma) throw new NoJson('","', begin + at - list)
    at++
  }
  return floats.slice(out >> 2, last >> 2)
}

function endOfNumber(bytes: Buffer, start: number): number {
  let at = start
  for (;;) {
    const byte = bytes[at] as number
    // Digits, and + - . E e
    const isDigit = byte >= 0x30 && byte <= 0x39
    if (!isDigit && byte !== 0x2b && byte !== 0x2d && byte !== 0x2e && (byte | 0x20) !== 0x65) return at
    at++
  }
}
