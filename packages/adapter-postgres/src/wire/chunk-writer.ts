import { WireBuffer } from './wire-buffer.js'

/** Behind a full chunk there is room for most rows. */
const roomForRow = 16 * 1024
const mostSpare = 8

/**
 * Collects what is written into chunks to send. A chunk belongs to whoever gets it: it is never written again, until it is
 * given back by `release`, which spares allocating another one.
 */
export class ChunkWriter {
  readonly out: WireBuffer
  readonly #spare: Buffer[] = []
  readonly #size: number

  constructor(private readonly chunkBytes = 128 * 1024) {
    this.#size = chunkBytes + roomForRow
    this.out = new WireBuffer(this.#size)
  }

  get isFull(): boolean {
    return this.out.at >= this.chunkBytes
  }

  take(): Uint8Array {
    const { out } = this
    const chunk = out.bytes.subarray(0, out.at)
    out.bytes = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#size)
    out.at = 0
    return chunk
  }

  release(chunk: Uint8Array): void {
    // A row that is larger than a chunk had a buffer of its own.
    const isOurs = chunk.byteOffset === 0 && chunk.buffer.byteLength === this.#size
    if (isOurs && this.#spare.length < mostSpare) this.#spare.push(Buffer.from(chunk.buffer, 0, this.#size))
  }
}
