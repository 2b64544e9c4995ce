import type { SourceReject } from '../contracts/page.js'
import type { Partition } from '../contracts/position.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { Count, ReadOptions, Source, SourceSession } from '../contracts/source.js'
import type { Cursor, Row } from '../contracts/values.js'
import { Breather } from '../engine/breather.js'
import { abortError } from '../engine/retry.js'
import { checkOptionNames, checkText, checkWholeNumber, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { SchemaInference } from '../schema/infer-schema.js'
import { keyText } from './key-values.js'
import { MemoryPage } from './memory-page.js'
import { recordBytes } from './record-bytes.js'

/** Options of {@link memorySource}. */
export interface MemorySourceOptions<R extends object> {
  /** Names the source in reports and in the run's fingerprint. @default 'memory' */
  readonly name?: string
  /**
   * What is read, in this order. Records may be pushed while the source is used: a read ends at the last record that was
   * there when it began, and a later one goes on behind it. Nothing else about the array may change.
   */
  readonly records: readonly R[]
  /** The field, or the fields in order, that identify a record. Values are expected to be unique, which is not checked. */
  readonly key: (keyof R & string) | readonly (keyof R & string)[]
  /** What the records look like. @default inferred from all records, each time a run begins */
  readonly schema?: Pick<RecordSchema, 'fields'>
  /** How many partitions the records are cut into, whatever a run asks for. @default as many as the run asks for */
  readonly partitions?: number
}

/**
 * Reads an array of objects: for tests, and for what is in memory anyway. The cursor is the place of the last record
 * read. An element that is no object is rejected as `RECORD_UNREADABLE`.
 *
 * @throws `OPTION_INVALID`; while reading `KEY_INVALID` if a record has no value in a key field, `STATE_INVALID` if it is
 * to go on after a cursor that is not its own.
 *
 * @example
 * const people = memorySource({ records: [{ id: 1, name: 'Ada' }], key: 'id' })
 */
export function memorySource<R extends object = Row>(options: MemorySourceOptions<R>): Source<R> {
  checkOptionNames('memorySource', options, ['name', 'records', 'key', 'schema', 'partitions'])
  if (options.name !== undefined) checkText('memorySource', 'name', options.name)
  checkWholeNumber('memorySource', 'partitions', options.partitions, 1)
  if (!Array.isArray(options.records)) {
    throw new DroverError(
      'OPTION_INVALID',
      `memorySource: records is an array of objects, not ${shown(options.records)}.`,
    )
  }
  const key = checkKey('memorySource', options.key)
  return {
    specVersion: 1,
    name: options.name ?? 'memory',
    connect: async () => new MemorySession(options, key),
  }
}

/** The key fields as a list. */
export function checkKey(where: string, key: unknown): readonly string[] {
  const fields: readonly unknown[] = Array.isArray(key) ? key : [key]
  if (fields.length === 0 || new Set(fields).size < fields.length) {
    throw new DroverError('OPTION_INVALID', `${where}: key is the name of a field, or a list of different ones.`)
  }
  for (const field of fields) checkText(where, 'key', field)
  return fields as readonly string[]
}

class MemorySession<R extends object> implements SourceSession<R> {
  constructor(
    private readonly options: MemorySourceOptions<R>,
    private readonly key: readonly string[],
  ) {}

  async describe(): Promise<RecordSchema> {
    const { schema, records } = this.options
    if (schema !== undefined) return { fields: schema.fields, key: this.key }
    const inference = new SchemaInference()
    const breather = new Breather()
    for (let i = 0; i < records.length; i++) {
      const record = records[i]
      if (isObject(record)) inference.add(record)
      if (i % 256 === 255 && breather.due) await breather.breathe()
    }
    return { ...inference.schema(this.key), isInferred: true }
  }

  async count(): Promise<Count> {
    return { value: this.options.records.length, exact: true }
  }

  /** Ranges of places. The last one has no end, so that records pushed later belong to it. */
  async partition({ count }: { readonly count: number }): Promise<readonly Partition[]> {
    const size = this.options.records.length
    const parts = Math.max(1, Math.min(this.options.partitions ?? count, size))
    if (parts === 1) return [{ id: 'all', bounds: null }]
    const border = (i: number): number => Math.floor((i * size) / parts)
    return Array.from({ length: parts }, (_, i) => ({
      id: String(i + 1),
      bounds: [border(i), i + 1 === parts ? null : border(i + 1)],
    }))
  }

  async *read({ partition, after, page, signal }: ReadOptions): AsyncGenerator<MemoryPage<R>> {
    const { records } = this.options
    const [first, border] = boundsOf(partition)
    const end = Math.min(border ?? records.length, records.length)
    let at = after === null ? first : placeOf(after) + 1
    while (at < end) {
      if (signal.aborted) throw abortError(signal)
      const next = this.#page(at, end, page)
      yield next
      at = (next.cursor as number) + 1
    }
  }

  #page(from: number, end: number, limits: ReadOptions['page']): MemoryPage<R> {
    const { records } = this.options
    const rejected: SourceReject[] = []
    const last = Math.min(end, from + limits.records)
    const typical = this.#typicalBytes(from, last)
    // Measuring costs more than moving: each record is measured only where the page may come near its limit.
    const isSmall = typical * (last - from) < limits.bytes / 4
    let bytes = 0
    let at = from
    if (isSmall) {
      at = firstUnusual(records, from, last, this.key)
      bytes = typical * (at - from)
    }
    for (; at < last; at++) {
      const record = records[at]
      if (!isObject(record)) {
        rejected.push({ key: null, error: unreadable(this.options.name, at, record) })
        continue
      }
      this.#checkKeyed(record, at)
      const size = isSmall ? typical : recordBytes(record)
      if (at > from && bytes + size > limits.bytes) break
      bytes += size
    }
    if (rejected.length === 0) return new MemoryPage({ records, from, to: at, key: this.key }, at - 1, bytes)
    const readable = records.slice(from, at).filter(isObject)
    return new MemoryPage({ records: readable, from: 0, to: readable.length, key: this.key }, at - 1, bytes, rejected)
  }

  /** The mean of a few records, evenly spread. */
  #typicalBytes(from: number, to: number): number {
    const { records } = this.options
    const step = Math.max(1, Math.floor((to - from) / 8))
    let bytes = 0
    let measured = 0
    for (let at = from; at < to; at += step, measured++) {
      const record = records[at]
      if (isObject(record)) bytes += recordBytes(record)
    }
    return Math.ceil(bytes / Math.max(1, measured))
  }

  #checkKeyed(record: R, at: number): void {
    for (const field of this.key) {
      const value = (record as Row)[field]
      if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) continue
      if (keyText(record, [field]) === null) {
        const name = this.options.name ?? 'memory'
        throw new DroverError(
          'KEY_INVALID',
          `${name}: record ${at} has ${shown(value)} in its key field "${field}". Give each record a text, number, boolean, date or bytes there, or name another key.`,
        )
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The first record that is no object or whose key is not a plain text or number: those need a closer look. */
function firstUnusual(records: readonly object[], from: number, to: number, key: readonly string[]): number {
  for (let at = from; at < to; at++) {
    const record = records[at] as Row | null | undefined
    if (typeof record !== 'object' || record === null || Array.isArray(record)) return at
    for (let i = 0; i < key.length; i++) {
      const value = record[key[i] as string]
      if (typeof value !== 'string' && !Number.isFinite(value)) return at
    }
  }
  return to
}

function isObject<R extends object>(record: R | undefined): record is R {
  return typeof record === 'object' && record !== null && !Array.isArray(record)
}

function unreadable(name: string | undefined, at: number, record: unknown): DroverError {
  return new DroverError('RECORD_UNREADABLE', `${name ?? 'memory'}: record ${at} is no object but ${shown(record)}.`)
}

function boundsOf(partition: Partition): readonly [number, number | null] {
  const { bounds } = partition
  if (bounds === null) return [0, null]
  const [from, to] = Array.isArray(bounds) ? bounds : []
  if (isPlace(from) && (to === null || isPlace(to))) return [from, to]
  throw new DroverError(
    'STATE_INVALID',
    `The bounds of partition "${partition.id}" are none that memorySource made. Start the run anew.`,
  )
}

function placeOf(cursor: Cursor): number {
  if (isPlace(cursor)) return cursor
  throw new DroverError('STATE_INVALID', 'The stored cursor is none that memorySource made. Start the run anew.')
}

function isPlace(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
