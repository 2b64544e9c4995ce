import { decodeJson, type JsonValues, type Row } from '@drover/core'
import { readFloat32s } from './float32-reader.js'
import {
  closeList,
  NoJson,
  openList,
  openObject,
  quote,
  readElements,
  readFields,
  skipNumbers,
  skipSpace,
  skipText,
  skipValue,
  textAt,
} from './json-bytes.js'
import type { MultiVector, NamedVector, PointId, RawPoint, WirePoint } from './wire-point.js'

/**
 * One answer of a scroll. On arrival only the ids are read, and where the rest of each point stands; a point is decoded when it is asked
 * for.
 */
export class ScrollPage {
  /** Of all points, in the order of the answer. */
  readonly ids: readonly PointId[]
  /** Where the server would go on; null at the end. */
  readonly next: PointId | null
  readonly #bytes: Buffer
  readonly #places: readonly number[]
  readonly #values: JsonValues

  /**
   * @param bytes The whole answer, which the page keeps.
   * @throws NoJson if it is not what a scroll answers with
   */
  constructor(bytes: Buffer, values: JsonValues) {
    const { ids, next, places } = findPoints(bytes)
    this.ids = ids
    this.next = next
    this.#bytes = bytes
    this.#places = places
    this.#values = values
  }

  get count(): number {
    return this.ids.length
  }

  /** Of the answer, as it came. */
  get bytes(): number {
    return this.#bytes.length
  }

  /** Bytes of that point in the answer, without decoding it: pages are cut by them. */
  sizeOf(index: number): number {
    return this.#place(index, Part.end) - this.#place(index, Part.start)
  }

  /** Decoded each time it is asked for: whoever needs it twice keeps it. */
  point(index: number): WirePoint {
    const vector = this.#place(index, Part.vector)
    const { unnamed, named } = vector === 0 ? noVectors : this.#vectors(vector)
    return {
      id: this.ids[index] as PointId,
      payload: this.#json(this.#place(index, Part.payload), this.#place(index, Part.payloadEnd)) as Row | null,
      vector: unnamed,
      vectors: named,
      shardKey: this.#json(this.#place(index, Part.shardKey), this.#place(index, Part.shardKeyEnd)) as ShardKeyOf,
    }
  }

  /** As it came. Valid as long as the page is. */
  rawPoint(index: number): RawPoint {
    return {
      id: this.ids[index] as PointId,
      payload: this.#slice(this.#place(index, Part.payload), this.#place(index, Part.payloadEnd)),
      vectors: this.#slice(this.#place(index, Part.vector), this.#place(index, Part.vectorEnd)),
      shardKey: this.#json(this.#place(index, Part.shardKey), this.#place(index, Part.shardKeyEnd)) as ShardKeyOf,
      isRaw: true,
    }
  }

  /** All of them. */
  points(): readonly WirePoint[] {
    return this.ids.map((_, index) => this.point(index))
  }

  #place(index: number, part: number): number {
    return this.#places[index * parts + part] as number
  }

  #slice(start: number, end: number): Uint8Array | null {
    return start === end ? null : this.#bytes.subarray(start, end)
  }

  #json(start: number, end: number): unknown {
    return start === end ? null : decodeJson(this.#bytes.toString('utf8', start, end), this.#values)
  }

  #vectors(start: number): Vectors {
    if (this.#bytes[start] !== openObject) return { unnamed: this.#numbers(start), named: null }
    let unnamed: Vectors['unnamed'] = null
    const named: Record<string, NamedVector> = {}
    readFields(this.#bytes, start, (name, at) => {
      if (this.#bytes[at] === openObject) {
        define(named, name, this.#sparse(at))
        return skipValue(this.#bytes, at)
      }
      const vector = this.#numbers(at)
      // Beside named ones the one without a name is called so.
      if (name === '') unnamed = vector
      else define(named, name, vector)
      return skipNumbers(this.#bytes, at)
    })
    return { unnamed, named }
  }

  #numbers(start: number): Float32Array | MultiVector {
    if (this.#bytes[skipSpace(this.#bytes, start + 1)] !== openList) {
      return readFloat32s(this.#bytes, start)
    }
    const vectors: Float32Array[] = []
    readElements(this.#bytes, start, (at) => {
      vectors.push(readFloat32s(this.#bytes, at))
      return this.#bytes.indexOf(closeList, at) + 1
    })
    return vectors
  }

  #sparse(start: number): NamedVector {
    let indices: number[] = []
    let values: Float32Array = new Float32Array(0)
    readFields(this.#bytes, start, (name, at) => {
      const end = skipValue(this.#bytes, at)
      if (name === 'indices') indices = JSON.parse(this.#bytes.toString('latin1', at, end)) as number[]
      else if (name === 'values') values = readFloat32s(this.#bytes, at)
      return end
    })
    return { indices, values }
  }
}

interface Vectors {
  unnamed: Float32Array | MultiVector | null
  named: Record<string, NamedVector> | null
}

const noVectors: Vectors = { unnamed: null, named: null }

type ShardKeyOf = string | number | null

/** Where the parts of a point stand in the answer, one after the other in one list; 0 for what is not there. */
const Part = {
  start: 0,
  end: 1,
  payload: 2,
  payloadEnd: 3,
  shardKey: 4,
  shardKeyEnd: 5,
  vector: 6,
  vectorEnd: 7,
} as const
const parts = 8

/** Where those begin that stand there by a name; where they end comes next. */
const partsByName: Readonly<Record<string, number | undefined>> = Object.assign(Object.create(null), {
  payload: Part.payload,
  shard_key: Part.shardKey,
  vector: Part.vector,
})

interface Found {
  readonly ids: PointId[]
  readonly places: number[]
  next: PointId | null
}

/** Assigning to `__proto__` would set the prototype. */
function define(named: Record<string, NamedVector>, name: string, vector: NamedVector): void {
  if (name !== '__proto__') named[name] = vector
  else Object.defineProperty(named, name, { value: vector, configurable: true, enumerable: true, writable: true })
}

function findPoints(bytes: Buffer): Found {
  const found: Found = { ids: [], places: [], next: null }
  let hasPoints = false
  const end = readFields(bytes, skipSpace(bytes, 0), (name, at) => {
    if (name !== 'result' || bytes[at] !== openObject) return skipValue(bytes, at)
    return readFields(bytes, at, (inner, start) => {
      if (inner === 'points') {
        hasPoints = true
        return readElements(bytes, start, (element) => findPoint(bytes, element, found))
      }
      const behind = skipValue(bytes, start)
      if (inner === 'next_page_offset') found.next = readId(bytes, start, behind)
      return behind
    })
  })
  if (!hasPoints) throw new NoJson('points', 0)
  if (skipSpace(bytes, end) !== bytes.length) throw new NoJson('end', end)
  return found
}

function findPoint(bytes: Buffer, start: number, { ids, places }: Found): number {
  const base = places.length
  places.push(start, 0, 0, 0, 0, 0, 0, 0)
  let id: PointId | null = null
  const end = readFields(bytes, start, (name, at) => {
    const behind = name === 'vector' && bytes[at] === openList ? skipNumbers(bytes, at) : skipValue(bytes, at)
    if (isNull(bytes, at)) return behind
    if (name === 'id') id = readId(bytes, at, behind)
    else {
      const part = partsByName[name]
      if (part !== undefined) {
        places[base + part] = at
        places[base + part + 1] = behind
      }
    }
    return behind
  })
  if (id === null) throw new NoJson('id', start)
  ids.push(id)
  places[base + Part.end] = end
  return end
}

function isNull(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x6e
}

const integer = /^\d{1,20}$/

/** Up to fifteen digits a double holds every integer. */
function readId(bytes: Buffer, start: number, end: number): PointId | null {
  if (isNull(bytes, start)) return null
  if (bytes[start] === quote) return textAt(bytes, start, skipText(bytes, start))
  const digits = bytes.toString('latin1', start, end)
  if (!integer.test(digits)) throw new NoJson('id', start)
  if (digits.length <= 15) return Number(digits)
  const value = BigInt(digits)
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}
