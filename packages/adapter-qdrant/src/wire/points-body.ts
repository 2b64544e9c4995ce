import { type JsonValues, shownValue, ValueRefused } from '@drover/core'
import { mostBytesPerFloat, writeFloat32s } from './float32-text.js'
import { writeLatin1, writeUtf8 } from './native-text.js'
import { payloadText } from './payload-text.js'
import { pointId, pointIdText } from './point-id.js'
import { checkSparse, isMulti, isSparse } from './vector-kinds.js'
import type { NamedVector, RawPoint, WirePoint } from './wire-point.js'

const opening = '{"points":['

/**
 * The points of one request, written into the bytes that are sent. Made once and used again: `clear` keeps the memory, so whoever has several
 * requests in flight keeps as many bodies.
 */
export class PointsBody {
  #into = Buffer.allocUnsafeSlow(64 * 1024)
  #view = viewOf(this.#into)
  #at = 0
  #count = 0

  /** @param values What becomes of values in payloads that JSON has no form for: see core's `encodeJson`, for `anyFields` too. */
  constructor(
    readonly values: JsonValues = 'extended',
    private readonly anyFields?: ReadonlySet<string>,
  ) {
    this.clear()
  }

  /** Bytes of the request so far. */
  get bytes(): number {
    return this.#at + 2
  }

  get count(): number {
    return this.#count
  }

  /**
   * Adds a point.
   *
   * @throws ValueRefused with what is wrong with it and where; `RECORD_REFUSED` for values in the payload that JSON has no form for. Then
   * the body is as it was before
   */
  add(point: WirePoint): void {
    const before = this.#at
    try {
      this.#ascii(`${this.#count === 0 ? '' : ','}{"id":${pointIdText(within('id', () => pointId(point.id)))}`)
      if (point.payload !== null) {
        const payload = point.payload
        this.#ascii(',"payload":')
        this.#text(within('payload', () => payloadText(payload, this.values, this.anyFields)))
      }
      this.#ascii(',"vector":')
      this.#vectors(point)
      this.#ascii('}')
      this.#count++
    } catch (error) {
      this.#at = before
      throw error
    }
  }

  /**
   * Adds a point as another server sent it.
   *
   * @throws ValueRefused for an id that is none
   */
  addRaw({ id, payload, vectors }: RawPoint): void {
    const text = pointIdText(within('id', () => pointId(id)))
    this.#ascii(`${this.#count === 0 ? '' : ','}{"id":${text}`)
    if (payload !== null) {
      this.#ascii(',"payload":')
      this.#bytes(payload)
    }
    this.#ascii(',"vector":')
    if (vectors === null) this.#ascii('{}')
    else this.#bytes(vectors)
    this.#ascii('}')
    this.#count++
  }

  clear(): void {
    this.#at = 0
    this.#count = 0
    this.#ascii(opening)
  }

  /**
   * The bytes of the request; valid until the next call of any other method.
   *
   * @param more What stands beside the points: `,"shard_key":"a"`.
   */
  finish(more = ''): Uint8Array {
    const before = this.#at
    this.#text(`]${more}}`)
    const bytes = this.#into.subarray(0, this.#at)
    this.#at = before
    return bytes
  }

  #vectors({ vector, vectors }: WirePoint): void {
    if (vectors === null) {
      if (vector === null) this.#ascii('{}')
      else this.#placed('vector', vector)
      return
    }
    let comma = '{'
    if (vector !== null) {
      this.#ascii('{"":')
      this.#placed('vector', vector)
      comma = ','
    }
    for (const name of Object.keys(vectors)) {
      this.#text(`${comma}${JSON.stringify(name)}:`)
      this.#placed(`vectors.${name}`, vectors[name] as NamedVector)
      comma = ','
    }
    this.#ascii(comma === '{' ? '{}' : '}')
  }

  #placed(place: string, vector: NamedVector): void {
    try {
      this.#vector(vector)
    } catch (error) {
      throw error instanceof ValueRefused ? error.within(place) : error
    }
  }

  #vector(vector: NamedVector): void {
    if (vector instanceof Float32Array) this.#dense(vector)
    else if (isMulti(vector)) this.#multi(vector)
    else if (isSparse(vector)) this.#sparse(vector.indices, vector.values)
    else
      throw new ValueRefused(shownValue(vector), 'A vector is a Float32Array, a list of them, or { indices, values }.')
  }

  #dense(vector: Float32Array): void {
    if (vector.length === 0) throw new ValueRefused('a vector of no numbers', 'A vector has one number at the least.')
    this.#floats(vector)
  }

  #floats(vector: Float32Array): void {
    this.#reserve(vector.length * mostBytesPerFloat + 2)
    this.#into[this.#at] = 0x5b
    this.#at = writeFloat32s(vector, this.#into, this.#view, this.#at + 1)
    this.#into[this.#at++] = 0x5d
  }

  #multi(vectors: readonly Float32Array[]): void {
    const [first] = vectors
    if (first === undefined) throw new ValueRefused('a list of no vectors', 'A multi-vector has one at the least.')
    this.#ascii('[')
    for (const [i, vector] of vectors.entries()) {
      if (i > 0) this.#ascii(',')
      if (vector.length !== first.length) {
        throw new ValueRefused(
          `a vector of ${vector.length} beside one of ${first.length}`,
          'The vectors of a multi-vector are of one size.',
        ).within(`[${i}]`)
      }
      this.#placed(`[${i}]`, vector)
    }
    this.#ascii(']')
  }

  #sparse(indices: readonly number[], values: Float32Array): void {
    checkSparse(indices, values)
    this.#ascii(`{"indices":[${indices.join(',')}],"values":`)
    try {
      this.#floats(values)
    } catch (error) {
      throw error instanceof ValueRefused ? error.within('.values') : error
    }
    this.#ascii('}')
  }

  /** Of characters below 128. */
  #ascii(text: string): void {
    this.#reserve(text.length)
    this.#at = writeLatin1(text, this.#into, this.#at)
  }

  #text(text: string): void {
    this.#reserve(text.length * 3)
    this.#at = writeUtf8(text, this.#into, this.#at)
  }

  #bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#into.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#into.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#at + bytes, this.#into.length * 2))
    this.#into.copy(larger, 0, 0, this.#at)
    this.#into = larger
    this.#view = viewOf(larger)
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

function within<T>(place: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof ValueRefused)) throw error
    throw error.within(error.path === '' || error.path.startsWith('[') ? place : `${place}.`)
  }
}
