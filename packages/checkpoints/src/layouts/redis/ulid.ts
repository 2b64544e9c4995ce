import { createHash } from 'node:crypto'

/** Crockford's: https://github.com/ulid/spec */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Whether a text is a ULID as libraries write it. */
export function isUlid(text: unknown): text is string {
  return typeof text === 'string' && /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text)
}

/**
 * A ULID whose second part is made of a text: the same one for the same text.
 *
 * @param ms Milliseconds since 1970.
 */
export function ulidOf(ms: number, text: string): string {
  const time = BigInt(Math.min(Math.max(0, Math.floor(ms)), 2 ** 48 - 1))
  const hash = createHash('sha256').update(text).digest().subarray(0, 10)
  let rest = (time << 80n) | BigInt(`0x${hash.toString('hex')}`)
  const made: string[] = []
  for (let i = 0; i < 26; i++) {
    made.unshift(digits[Number(rest & 31n)] as string)
    rest >>= 5n
  }
  return made.join('')
}
