import { shownValue, ValueRefused } from '@drover/core'

/** Behind `Buffer.write`, which looks at its arguments first. Node has had it for long without documenting it. */
interface NativeText {
  utf8Write(text: string, at: number, length: number): number
}

/** Up to here a loop is quicker than the way into native code. */
const short = 24

/** The bytes that a text may need as UTF-8. */
export function mostBytes(text: string): number {
  return text.length * 3
}

/**
 * Writes a text as UTF-8 where there is room for it, and says where it ends.
 *
 * @throws ValueRefused for half of a surrogate pair, which UTF-8 has no form for
 */
export function writeText(text: string, into: Buffer, at: number): number {
  const { length } = text
  if (length <= short) {
    let i = 0
    for (; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) break
      into[at + i] = unit
    }
    if (i === length) return at + length
  }
  const size = (into as Buffer & NativeText).utf8Write(text, at, length * 3)
  if (size !== length && !text.isWellFormed()) {
    throw new ValueRefused(
      `${shownValue(text)}, which has half of a surrogate pair`,
      'UTF-8 has no form for it: remove it in a step, or give bytes.',
    )
  }
  return at + size
}

/** Copies bytes within one buffer or between two; most are so few that a loop is quicker than the way into native code. */
export function writeBytes(from: Uint8Array, start: number, end: number, into: Buffer, at: number): number {
  const length = end - start
  if (length > short) into.set(start === 0 && end === from.length ? from : from.subarray(start, end), at)
  else for (let i = 0; i < length; i++) into[at + i] = from[start + i] as number
  return at + length
}

/** A buffer of at least that size with the same content; the one before stays as it is, for who still sends it. */
export function grown(bytes: Buffer, used: number, size: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(size, bytes.length * 2))
  bytes.copy(larger, 0, 0, used)
  return larger
}
