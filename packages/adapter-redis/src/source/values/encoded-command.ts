import { RawCommand } from '../../connection/raw-command.js'

/**
 * A command with many keys. ioredis would make three pieces of each key and put all of them together; here they are written into
 * one buffer at once.
 */
export class EncodedCommand extends RawCommand {
  readonly #bytes: Buffer

  /** The command's words, then the keys, then `rest`. */
  constructor(words: readonly [name: string, ...string[]], keys: readonly Buffer[], rest: readonly string[] = []) {
    super(words[0], [])
    this.#bytes = encoded(words, keys, rest)
  }

  override toWritable(): Buffer {
    return this.#bytes
  }
}

/** Enough for the length of an argument and the two ends of its lines. */
const lengthRoom = 16

function encoded(words: readonly string[], keys: readonly Buffer[], rest: readonly string[]): Buffer {
  const before = `*${words.length + keys.length + rest.length}\r\n${words.map(bulk).join('')}`
  const behind = rest.map(bulk).join('')
  let room = Buffer.byteLength(before) + Buffer.byteLength(behind)
  for (const key of keys) room += key.length + lengthRoom
  const bytes = Buffer.allocUnsafe(room)
  let at = bytes.write(before)
  for (const key of keys) {
    const { length } = key
    at = writeLength(bytes, at, length)
    if (length < shortKey) for (let i = 0; i < length; i++) bytes[at + i] = key[i] as number
    else bytes.set(key, at)
    at += length
    bytes[at++] = 0x0d
    bytes[at++] = 0x0a
  }
  at += bytes.write(behind, at)
  return bytes.subarray(0, at)
}

/** A call into C++ costs more than so few bytes do. */
const shortKey = 48

function writeLength(bytes: Buffer, from: number, length: number): number {
  let at = from
  bytes[at++] = 0x24
  if (length > 99) at += bytes.write(String(length), at, 'latin1')
  else {
    if (length > 9) bytes[at++] = 0x30 + Math.floor(length / 10)
    bytes[at++] = 0x30 + (length % 10)
  }
  bytes[at++] = 0x0d
  bytes[at++] = 0x0a
  return at
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`
}
