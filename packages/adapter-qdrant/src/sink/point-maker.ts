import { DroverError, type RecordKey, type Row, recordId, ValueRefused } from '@drover/core'
import { pointId } from '../wire/point-id.js'
import type { NamedVector, PointId, RawPoint, WirePoint } from '../wire/wire-point.js'
import { type PointForm, spaceOf } from './point-form.js'
import type { AnyOptions } from './sink-options.js'
import type { VectorSpace } from './vector-space.js'
import { vectorFor } from './vector-value.js'

/** A point on its way, and the text of the vector that it lacks. */
export interface Draft {
  readonly point: WirePoint
  readonly text: string | undefined
  /** Its place in the batch. */
  readonly row: number
}

/** Makes points of records. */
export class PointMaker {
  readonly #id: 'key' | 'record' | ((record: Row) => unknown)
  readonly #vectorFields: ReadonlySet<string>
  readonly #takesPayload: boolean

  constructor(
    /** For messages: server and collection. */
    private readonly where: string,
    private readonly options: AnyOptions,
    private readonly form: PointForm,
    private readonly spaces: ReadonlyMap<string, VectorSpace>,
    private readonly hasShardKeys: boolean,
  ) {
    const { id, payload } = options
    this.#id = id ?? (form.isPoint ? 'record' : 'key')
    this.#vectorFields = new Set(form.vectorFields.map(({ field }) => field))
    this.#takesPayload = form.isPoint && payload === undefined
  }

  /** Ids are made of keys, so these are needed. */
  get usesKeys(): boolean {
    return this.#id === 'key'
  }

  /**
   * Points of another collection go on as they came, so that their numbers keep the digits that they have: JavaScript knows no 1.0 beside 1. Only
   * where a number may not fit (float16, uint8) each has to be looked at.
   */
  get passesOn(): boolean {
    const { form, options } = this
    const isWhole = [...this.spaces.values()].every(({ datatype }) => datatype === 'float32')
    return (
      isWhole && this.#takesPayload && this.#id === 'record' && form.embedded === null && !isFunction(options.shardKey)
    )
  }

  /** @throws `RECORD_REFUSED` with the row */
  pass(point: RawPoint, row: number): RawPoint {
    if (!this.hasShardKeys) return { ...point, shardKey: null }
    try {
      return { ...point, shardKey: this.#shardOf({ shard_key: point.shardKey }) }
    } catch (error) {
      throw error instanceof ValueRefused ? this.refusal(error, row, 'its shard') : error
    }
  }

  /** @throws `RECORD_REFUSED` with the row */
  make(record: Row, key: RecordKey | undefined, row: number): Draft {
    let what = 'its id'
    try {
      const id = this.#idOf(record, key)
      what = 'its vector'
      const vectors = this.#vectorsOf(record)
      const text = this.#textOf(record, vectors)
      what = 'its payload'
      const payload = this.#payloadOf(record)
      what = 'its shard'
      const shardKey = this.hasShardKeys ? { shardKey: this.#shardOf(record) } : {}
      return { point: { id, payload, ...split(vectors), ...shardKey }, text, row }
    } catch (error) {
      if (error instanceof ValueRefused) throw this.refusal(error, row, what)
      if (DroverError.isInstance(error)) throw error
      // A function of the options threw: the record is not to its liking.
      throw new DroverError(
        'RECORD_REFUSED',
        `${this.where}: ${what} cannot be had: ${String((error as Error)?.message ?? error)}.`,
        {
          cause: error,
          row,
        },
      )
    }
  }

  /** The same point with its embedded vector. @throws `RECORD_REFUSED` */
  embed({ point, row }: Draft, vector: Float32Array): WirePoint {
    const space = this.form.embedded as VectorSpace
    try {
      const checked = vectorFor(space, vector) as Float32Array
      return space.name === ''
        ? { ...point, vector: checked }
        : { ...point, vectors: { ...point.vectors, [space.name]: checked } }
    } catch (error) {
      throw error instanceof ValueRefused ? this.refusal(error, row, 'its embedded vector') : error
    }
  }

  refusal({ what, path, remedy }: ValueRefused, row: number, of: string): DroverError {
    const place = path === '' ? of : `${of}, at ${path},`
    return new DroverError('RECORD_REFUSED', `${this.where} does not take a record: ${place} is ${what}. ${remedy}`, {
      row,
    })
  }

  #idOf(record: Row, key: RecordKey | undefined): PointId {
    if (typeof this.#id === 'function') return pointId(this.#id(record))
    if (this.#id === 'record') return pointId(record.id)
    if (key === undefined || key.source.length === 0) {
      throw new ValueRefused(
        'none, for its source gives it no key',
        'All such records would become one point. Give id as a function, or a key to the source.',
      )
    }
    return recordId(key)
  }

  #vectorsOf(record: Row): ReadonlyMap<string, NamedVector> {
    const { vector } = this.options
    if (this.form.isPoint) return this.#givenVectors(record.vector, record.vectors)
    if (typeof vector === 'function') {
      const given: unknown = vector(record)
      return isNamed(given) ? this.#givenVectors(null, given) : this.#givenVectors(given, null)
    }
    const found = new Map<string, NamedVector>()
    for (const { space, field } of this.form.vectorFields) {
      const value = record[field]
      if (value === null || value === undefined) continue
      found.set(
        space.name,
        within(`"${field}"`, () => vectorFor(space, value)),
      )
    }
    return found
  }

  #givenVectors(unnamed: unknown, named: unknown): ReadonlyMap<string, NamedVector> {
    const found = new Map<string, NamedVector>()
    const add = (name: string, value: unknown): void => {
      if (value === null || value === undefined) return
      const space = this.spaces.get(name)
      if (space === undefined) throw this.#unknownSpace(name)
      found.set(name, name === '' ? vectorFor(space, value) : within(`"${name}"`, () => vectorFor(space, value)))
    }
    add('', unnamed)
    for (const [name, value] of Object.entries(Object(named) as object)) add(name, value)
    return found
  }

  #unknownSpace(name: string): ValueRefused {
    try {
      spaceOf(this.where, name, this.spaces)
    } catch (error) {
      return new ValueRefused('one that the collection does not have', `${(error as Error).message}`)
    }
    return new ValueRefused('one that the collection does not have', '')
  }

  #textOf(record: Row, vectors: ReadonlyMap<string, NamedVector>): string | undefined {
    const { embedded } = this.form
    const { embedText } = this.options
    if (embedded === null || embedText === undefined || vectors.has(embedded.name)) return undefined
    const text: unknown = typeof embedText === 'function' ? embedText(record) : record[embedText]
    if (typeof text === 'string' && text.trim() !== '') return text
    throw new ValueRefused(
      'to be made of a text that is not there, or empty',
      'embedText can be a function that returns another one.',
    )
  }

  #payloadOf(record: Row): Row | null {
    const { payload } = this.options
    if (typeof payload === 'function') return payloadObject(payload(record))
    if (this.#takesPayload) return payloadObject(record.payload)
    const taken: Row = {}
    for (const name of payload ?? Object.keys(record)) {
      if (payload !== undefined || !this.#vectorFields.has(name)) taken[name] = record[name]
    }
    return taken
  }

  #shardOf(record: Row): string | number {
    const { shardKey } = this.options
    const key: unknown = typeof shardKey === 'function' ? shardKey(record) : (shardKey ?? record.shard_key)
    if (typeof key === 'string' || (typeof key === 'number' && Number.isSafeInteger(key) && key >= 0)) return key
    throw new ValueRefused(
      'not named',
      "The collection's shards have keys: shardKey says which one a point belongs to.",
    )
  }
}

function within<T>(place: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof ValueRefused ? error.within(place) : error
  }
}

function isNamed(given: unknown): boolean {
  return typeof given === 'object' && given !== null && !Array.isArray(given) && !ArrayBuffer.isView(given)
}

function isFunction(given: unknown): boolean {
  return typeof given === 'function'
}

function payloadObject(given: unknown): Row | null {
  if (given === null || given === undefined) return null
  if (typeof given === 'object' && !Array.isArray(given) && !ArrayBuffer.isView(given) && !(given instanceof Date))
    return given as Row
  throw new ValueRefused('no object', 'A payload is an object, or null.')
}

function split(vectors: ReadonlyMap<string, NamedVector>): Pick<WirePoint, 'vector' | 'vectors'> {
  if (vectors.size === 0) return { vector: null, vectors: null }
  const unnamed = vectors.get('')
  const named = [...vectors].filter(([name]) => name !== '')
  return {
    vector: (unnamed ?? null) as Float32Array | null,
    vectors: named.length === 0 ? null : Object.fromEntries(named),
  }
}
