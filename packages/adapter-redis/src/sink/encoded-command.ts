import type { Writable } from 'node:stream'
import { RawCommand } from '../connection/raw-command.js'

/** Part of a command: arguments that are encoded already, with their number. */
export interface EncodedArguments {
  readonly count: number
  readonly bytes: Uint8Array
}

/**
 * A command of which most is there as the bytes that are sent. ioredis would make one text or buffer of thousands of arguments, at the cost of
 * all else that is done with them; these go to the socket as they stand, and must not change before the answer has come.
 */
export class EncodedCommand extends RawCommand {
  readonly #pieces: readonly Uint8Array[]

  constructor(name: string, args: readonly (string | Uint8Array | EncodedArguments)[]) {
    super(name, [])
    this.#pieces = encode(name, args)
  }

  override toWritable(socket: object): Buffer {
    const stream = socket as Writable
    const last = this.#pieces.at(-1) as Buffer
    stream.cork()
    for (const piece of this.#pieces.slice(0, -1)) stream.write(piece)
    // The last piece is written by whoever asks for it.
    process.nextTick(() => stream.uncork())
    return last
  }
}

/** A text or bytes of this size are copied next to what stands beside them. */
const smallBytes = 4096

function encode(name: string, args: readonly (string | Uint8Array | EncodedArguments)[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let text = ''
  const flush = (): void => {
    if (text !== '') pieces.push(Buffer.from(text, 'latin1'))
    text = ''
  }
  const argument = (value: string | Uint8Array): void => {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    text += `$${bytes.length}\r\n`
    if (bytes.length <= smallBytes) {
      text += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    } else {
      flush()
      pieces.push(bytes)
    }
    text += '\r\n'
  }
  const isEncoded = (arg: string | Uint8Array | EncodedArguments): arg is EncodedArguments =>
    typeof arg === 'object' && 'count' in arg
  text = `*${args.reduce((count, arg) => count + (isEncoded(arg) ? arg.count : 1), 1)}\r\n`
  argument(name)
  for (const arg of args) {
    if (!isEncoded(arg)) argument(arg)
    else if (arg.count > 0) {
      flush()
      pieces.push(arg.bytes)
    }
  }
  flush()
  return pieces
}
