import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto'

const block = 16

/**
 * Opens what AES in EAX mode has sealed without further data (Bellare, Rogaway, Wagner: The EAX Mode of Operation), of which Node has only the parts.
 *
 * @returns null if the tag does not fit: the key is another one, or bytes were changed
 */
export function openEax(key: Buffer, nonce: Uint8Array, tag: Uint8Array, sealed: Uint8Array): Buffer | null {
  const { nonceMac, expected } = macs(key, nonce, sealed)
  if (tag.length !== block || !timingSafeEqual(expected, tag)) return null
  const decipher = createDecipheriv(`aes-${key.length * 8}-ctr`, key, nonceMac)
  return Buffer.concat([decipher.update(sealed), decipher.final()])
}

function macs(key: Buffer, nonce: Uint8Array, sealed: Uint8Array): { nonceMac: Buffer; expected: Buffer } {
  const nonceMac = omac(key, 0, nonce)
  return { nonceMac, expected: xor(nonceMac, xor(omac(key, 1, Buffer.alloc(0)), omac(key, 2, sealed))) }
}

/** CMAC (NIST SP 800-38B) of the data behind a block that holds only this number. */
function omac(key: Buffer, number: number, data: Uint8Array): Buffer {
  const head = Buffer.alloc(block)
  head[block - 1] = number
  const once = doubled(encrypted(key, Buffer.alloc(block)))
  // The last block, full or filled up; the head is the last one where there is no data.
  const whole = Math.ceil(data.length / block)
  const rest = data.subarray(Math.max(0, whole - 1) * block)
  if (data.length === 0) return encrypted(key, xor(head, once))
  const last = Buffer.alloc(block)
  last.set(rest)
  const isFull = rest.length === block
  if (!isFull) last[rest.length] = 0x80
  const before = chained(key, head, data.subarray(0, (whole - 1) * block))
  return encrypted(key, xor(before, xor(last, isFull ? once : doubled(once))))
}

/** The last block of both in CBC mode, with a vector of zeros. */
function chained(key: Buffer, head: Buffer, data: Uint8Array): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, Buffer.alloc(block)).setAutoPadding(false)
  let last = cipher.update(head)
  // Piece by piece: only the last block is wanted of a value that may be large.
  for (let at = 0; at < data.length; at += 65_536) last = cipher.update(data.subarray(at, at + 65_536))
  cipher.final()
  return last.subarray(last.length - block)
}

function encrypted(key: Buffer, one: Buffer): Buffer {
  return createCipheriv(`aes-${key.length * 8}-ecb`, key, null)
    .setAutoPadding(false)
    .update(one)
}

/** Times two in the field of 2^128 elements. */
function doubled(value: Buffer): Buffer {
  const result = Buffer.alloc(block)
  for (let i = 0; i < block; i++) {
    result[i] = (((value[i] as number) << 1) & 0xff) | (i + 1 < block ? (value[i + 1] as number) >>> 7 : 0)
  }
  if ((value[0] as number) >= 0x80) result[block - 1] = (result[block - 1] as number) ^ 0x87
  return result
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] as number)))
}
