import { DroverError } from '@drover/core'

/**
 * Thrift's compact protocol, as a tree that keeps the tag of every value: what is read is written back byte for byte, also what a newer
 * version of the format has added.
 *
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export type ThriftValue =
  /** In a field the tag is the value (1 true, 2 false); as an element writers use 0 or 2 for false. */
  | { readonly kind: 'bool'; readonly byte: number }
  | { readonly kind: 'i8'; readonly value: number }
  | { readonly kind: 'i16' | 'i32'; readonly value: number }
  | { readonly kind: 'i64'; readonly value: bigint }
  /** The bits: a NaN stays the NaN that it was. */
  | { readonly kind: 'double'; readonly bits: bigint }
  | { readonly kind: 'binary'; readonly value: Uint8Array }
  | { readonly kind: 'uuid'; readonly value: Uint8Array }
  | { readonly kind: 'list' | 'set'; readonly of: number; readonly items: readonly ThriftValue[] }
  | { readonly kind: 'map'; readonly of: number; readonly entries: readonly (readonly [ThriftValue, ThriftValue])[] }
  | { readonly kind: 'struct'; readonly fields: ThriftFields }
  /** A struct that `writeThrift` wrote before. Never read. */
  | { readonly kind: 'written'; readonly bytes: Uint8Array }

/** Fields of a struct by their number, in the order in which they are written. */
export type ThriftFields = ReadonlyMap<number, ThriftValue>

/** Tags of the protocol. A boolean has two as a field (true, false); as an element some write 1 and some 2. */
const kinds = [
  undefined,
  'bool',
  'bool',
  'i8',
  'i16',
  'i32',
  'i64',
  'double',
  'binary',
  'list',
  'set',
  'map',
  'struct',
  'uuid',
] as const

const tags = {
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
  written: 12,
  uuid: 13,
}

/** Parquet nests seven deep. */
const maxDepth = 32

/** A footer of 1,000 row groups of 100 columns has 5 million. Each takes some 100 bytes of memory. */
const maxValues = 8_000_000

/** The struct at the beginning of `bytes`, and the length it has there. `what` it is and where it stands, for messages. */
export function readThrift(
  bytes: Uint8Array,
  what: string,
  most: number = maxValues,
): { fields: ThriftFields; length: number } {
  const reader = new Reader(bytes, what, most)
  const fields = reader.struct(0)
  return { fields, length: reader.at }
}

export function writeThrift(fields: ThriftFields): Uint8Array {
  const writer = new Writer()
  writer.struct(fields)
  return writer.bytes()
}

class Reader {
  at = 0
  #values = 0
  readonly #view: DataView

  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
    readonly most: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  struct(depth: number): ThriftFields {
    if (depth > maxDepth) throw this.#bad(`its values are nested more than ${maxDepth} deep`)
    const fields = new Map<number, ThriftValue>()
    let id = 0
    for (;;) {
      const head = this.#byte()
      if (head === 0) return fields
      const step = head >> 4
      id = step === 0 ? this.#small(32_767) : id + step
      if (fields.has(id)) throw this.#bad(`field ${id} stands twice in one struct`)
      fields.set(id, this.#value(head & 15, depth, true))
    }
  }

  #value(tag: number, depth: number, isField: boolean): ThriftValue {
    this.#values += 1
    if (this.#values > this.most) throw this.#bad(`it holds more than ${this.most.toLocaleString('en')} values`)
    const kind = kinds[tag]
    switch (kind) {
      case 'bool':
        return { kind, byte: isField ? tag : this.#byte() }
      case 'i8':
        return { kind, value: (this.#byte() << 24) >> 24 }
      case 'i16':
        return { kind, value: this.#small(32_767) }
      case 'i32':
        return { kind, value: this.#small(2_147_483_647) }
      case 'i64':
        return { kind, value: this.#long() }
      case 'double':
        return { kind, bits: this.#view.getBigUint64(this.#skip(8), true) }
      case 'uuid':
        return { kind, value: this.#take(16) }
      case 'binary':
        return { kind, value: this.#take(this.#unsigned()) }
      case 'list':
      case 'set':
        return this.#list(kind, depth)
      case 'map':
        return this.#map(depth)
      case 'struct':
        return { kind, fields: this.struct(depth + 1) }
      case undefined:
        throw this.#bad(`there is no type ${tag}`)
    }
  }

  #list(kind: 'list' | 'set', depth: number): ThriftValue {
    if (depth >= maxDepth) throw this.#bad(`its values are nested more than ${maxDepth} deep`)
    const head = this.#byte()
    const count = head >> 4 === 15 ? this.#unsigned() : head >> 4
    // Each element is a byte or more, so that a length that is made up is found before anything is set aside for it.
    if (count > this.bytes.length - this.at) throw this.#bad(`a list of ${count} values is longer than what is there`)
    const of = head & 15
    const items: ThriftValue[] = []
    for (let i = 0; i < count; i++) items.push(this.#value(of, depth + 1, false))
    return { kind, of, items }
  }

  #map(depth: number): ThriftValue {
    if (depth >= maxDepth) throw this.#bad(`its values are nested more than ${maxDepth} deep`)
    const count = this.#unsigned()
    if (count === 0) return { kind: 'map', of: 0, entries: [] }
    if (count > this.bytes.length - this.at) throw this.#bad(`a map of ${count} values is longer than what is there`)
    const of = this.#byte()
    const entries: [ThriftValue, ThriftValue][] = []
    for (let i = 0; i < count; i++) {
      entries.push([this.#value(of >> 4, depth + 1, false), this.#value(of & 15, depth + 1, false)])
    }
    return { kind: 'map', of, entries }
  }

  #skip(length: number): number {
    const from = this.at
    if (length > this.bytes.length - from) throw this.#bad('it is cut short')
    this.at = from + length
    return from
  }

  #byte(): number {
    return this.#view.getUint8(this.#skip(1))
  }

  #take(length: number): Uint8Array {
    const from = this.#skip(length)
    return this.bytes.subarray(from, from + length)
  }

  /** Up to 2^53: enough for a length, which is compared with what is there. */
  #unsigned(): number {
    let value = 0
    for (let place = 1; place <= 2 ** 42; place *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * place
      if (byte < 128) return value
    }
    throw this.#bad('a length has too many digits')
  }

  #small(largest: number): number {
    const raw = this.#unsigned()
    const value = raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
    if (value > largest || value < -largest - 1) throw this.#bad(`the number ${value} is too large for its type`)
    return value
  }

  #long(): bigint {
    let raw = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      raw |= BigInt(byte & 127) << shift
      if (byte < 128) {
        if (raw >= 2n ** 64n) break
        return (raw >> 1n) ^ -(raw & 1n)
      }
    }
    throw this.#bad('a number has more than 64 bits')
  }

  #bad(reason: string): DroverError {
    return new DroverError('SOURCE_INVALID', `${this.what} cannot be read: ${reason} (byte ${this.at}).`)
  }
}

class Writer {
  #bytes = new Uint8Array(1024)
  #length = 0

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  struct(fields: ThriftFields): void {
    let last = 0
    for (const [id, value] of fields) {
      const tag = value.kind === 'bool' ? value.byte : tags[value.kind]
      const step = id - last
      if (step > 0 && step < 16) {
        this.#byte((step << 4) | tag)
      } else {
        this.#byte(tag)
        this.#signed(BigInt(id))
      }
      last = id
      if (value.kind !== 'bool') this.#value(value)
    }
    this.#byte(0)
  }

  #value(value: ThriftValue): void {
    switch (value.kind) {
      case 'bool':
        this.#byte(value.byte)
        break
      case 'i8':
        this.#byte(value.value & 255)
        break
      case 'i16':
      case 'i32':
        this.#unsigned(value.value < 0 ? -2 * value.value - 1 : 2 * value.value)
        break
      case 'i64':
        this.#signed(value.value)
        break
      case 'double': {
        const bytes = new Uint8Array(8)
        new DataView(bytes.buffer).setBigUint64(0, value.bits, true)
        this.#put(bytes)
        break
      }
      case 'uuid':
        this.#put(value.value)
        break
      case 'binary':
        this.#unsigned(value.value.length)
        this.#put(value.value)
        break
      case 'list':
      case 'set':
        if (value.items.length < 15) {
          this.#byte((value.items.length << 4) | value.of)
        } else {
          this.#byte(0xf0 | value.of)
          this.#unsigned(value.items.length)
        }
        for (const item of value.items) this.#value(item)
        break
      case 'map':
        this.#unsigned(value.entries.length)
        if (value.entries.length > 0) this.#byte(value.of)
        for (const [key, entry] of value.entries) {
          this.#value(key)
          this.#value(entry)
        }
        break
      case 'struct':
        this.struct(value.fields)
        break
      case 'written':
        this.#put(value.bytes)
        break
    }
  }

  #room(length: number): void {
    if (this.#length + length <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + length))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }

  #byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#length++] = value
  }

  #put(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #unsigned(value: number): void {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#byte((rest % 128) | 128)
    this.#byte(rest)
  }

  #signed(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    for (; rest >= 128n; rest >>= 7n) this.#byte(Number(rest & 127n) | 128)
    this.#byte(Number(rest))
  }
}
