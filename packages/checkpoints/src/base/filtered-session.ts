import {
  allOf,
  type Count,
  type Cursor,
  compileFilter,
  conjunctsOf,
  DroverError,
  type Filter,
  type Operation,
  type Page,
  type Partition,
  parseInstant,
  type ReadOptions,
  type RecordKey,
  type RecordSchema,
  type Row,
  type SourceReject,
  type SourceSession,
  shown,
} from '@drover/core'
import { fieldsOf } from './filter-fields.js'

/** Of which records it is. */
interface FilteredRecords {
  readonly key: readonly string[]
  /** The field that holds an instant: a record with something else in it is of no date, and is rejected by a condition on it. */
  readonly instant: string
}

/** A session that gives those records alone that fit a filter: the store leaves out what it can, the rest is left out here. */
export class FilteredSession<R> implements SourceSession<R> {
  readonly hasParts?: boolean
  readonly count?: NonNullable<SourceSession<R>['count']>
  readonly pushDown?: NonNullable<SourceSession<R>['pushDown']>
  readonly partition?: NonNullable<SourceSession<R>['partition']>
  readonly split?: NonNullable<SourceSession<R>['split']>
  readonly #pushed: Filter | undefined
  readonly #fits: Fits<R> | undefined
  readonly #fitsKey: (key: SourceReject['key']) => boolean

  constructor(
    private readonly inner: SourceSession<R>,
    filter: Filter,
    { key, instant }: FilteredRecords,
  ) {
    const { pushed, rest = pushed === undefined ? filter : undefined } = inner.pushDown?.(filter) ?? { rest: filter }
    this.#pushed = pushed
    this.#fits = rest === undefined ? undefined : fitsOf<R>(rest, instant)
    this.#fitsKey = keyTest(rest, key)
    if (inner.hasParts !== undefined) this.hasParts = inner.hasParts
    if (inner.count !== undefined) this.count = (options) => this.#count(options)
    if (inner.pushDown !== undefined) this.pushDown = (asked) => inner.pushDown?.(asked) ?? { rest: asked }
    if (inner.partition !== undefined) this.partition = (options) => this.#partition(options)
    if (inner.split !== undefined) this.split = async (options) => (await inner.split?.(options)) ?? []
  }

  describe(operation: Operation): Promise<RecordSchema> {
    return this.inner.describe(operation)
  }

  async *read({ forms: _, ...options }: ReadOptions): AsyncIterable<Page<R>> {
    const fits = this.#fits
    const pages = this.inner.read({ ...options, forms: [], ...this.#with(options.filter) })
    for await (const page of pages) yield fits === undefined ? page : new FilteredPage(page, fits, this.#fitsKey)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]()
  }

  /** What is left out here is counted with the others. */
  async #count({ filter, ...operation }: Operation & { readonly filter?: Filter }): Promise<Count> {
    const counted = (await this.inner.count?.({ ...operation, ...this.#with(filter) })) as Count
    return { value: counted.value, exact: counted.exact && this.#fits === undefined }
  }

  async #partition({
    filter,
    ...options
  }: Operation & { readonly count: number; readonly filter?: Filter }): Promise<readonly Partition[]> {
    return (await this.inner.partition?.({ ...options, ...this.#with(filter) })) ?? []
  }

  #with(filter: Filter | undefined): { readonly filter?: Filter } {
    const both = allOf([this.#pushed, filter].filter((one) => one !== undefined))
    return both === undefined ? {} : { filter: both }
  }
}

/** Whether a record fits. @throws `RECORD_UNREADABLE` if that cannot be said */
type Fits<R> = (record: R) => boolean

function fitsOf<R>(filter: Filter, instant: string): Fits<R> {
  const conditions = conjunctsOf(filter)
  const asks = (one: Filter): boolean => fieldsOf(one).includes(instant)
  const others = compiled(conditions.filter((one) => !asks(one)))
  const ofTime = conditions.filter(asks)
  if (ofTime.length === 0) return others as Fits<R>
  const dates = compiled(ofTime)
  const fits = (record: Row): boolean => {
    if (!others(record)) return false
    const time = record[instant]
    if (typeof time !== 'string' || parseInstant(time)?.form === 'date-time') return dates(record)
    throw new DroverError(
      'RECORD_UNREADABLE',
      `Its time is ${shown(time)}, which is no instant of ISO 8601, so that date_from and date_to cannot say whether it is meant. Leave them out, or choose by thread.`,
    )
  }
  return fits as unknown as Fits<R>
}

function compiled(conditions: readonly Filter[]): (record: Row) => boolean {
  const filter = allOf(conditions)
  return filter === undefined ? () => true : compileFilter(filter)
}

/** Of a record that cannot be decoded, only the key can fit or not. */
function keyTest(rest: Filter | undefined, names: readonly string[]): (key: SourceReject['key']) => boolean {
  const ofKey =
    rest === undefined ? [] : conjunctsOf(rest).filter((one) => fieldsOf(one).every((field) => names.includes(field)))
  const filter = allOf(ofKey)
  if (filter === undefined) return () => true
  const fits = compileFilter(filter)
  return (key) => key === null || fits(Object.fromEntries(names.map((name, i) => [name, key[i]])) as Row)
}

/** What of a page fits, by its place, and what cannot be said to. */
interface Chosen {
  readonly places: readonly number[]
  readonly rejected: readonly SourceReject[]
}

/** The records of a page that fit. */
class FilteredPage<R> implements Page<R> {
  #chosen: Chosen | undefined

  constructor(
    private readonly inner: Page<R>,
    private readonly fits: Fits<R>,
    private readonly fitsKey: (key: SourceReject['key']) => boolean,
    /** A part of a page, whose rejected records are that page's. */
    private readonly isPart = false,
  ) {}

  get count(): number {
    const { places, rejected } = this.#choose()
    return places.length + rejected.length
  }

  get bytes(): number {
    return this.inner.bytes
  }

  get cursor(): Cursor {
    return this.inner.cursor
  }

  get rejected(): readonly SourceReject[] {
    return this.#choose().rejected
  }

  rows(): readonly R[] {
    const rows = this.inner.rows()
    return this.#choose().places.map((place) => rows[place] as R)
  }

  keys(): readonly RecordKey[] {
    const keys = this.inner.keys()
    return this.#choose().places.map((place) => keys[place] as RecordKey)
  }

  slice(from: number, to: number): Page<R> {
    const places = this.#choose().places.slice(Math.max(from, 0), Math.max(to, from, 0))
    const [first, last] = [places[0], places.at(-1)]
    if (first === undefined || last === undefined) return this.inner.slice(0, 0)
    return new FilteredPage(this.inner.slice(first, last + 1), this.fits, this.fitsKey, true)
  }

  release(isReread: boolean): void {
    this.#choose()
    this.inner.release?.(isReread)
  }

  #choose(): Chosen {
    this.#chosen ??= this.#chooseAll()
    return this.#chosen
  }

  #chooseAll(): Chosen {
    const places: number[] = []
    const rejected = (this.inner.rejected ?? []).filter(({ key }) => this.fitsKey(key))
    for (const [i, row] of this.inner.rows().entries()) {
      try {
        if (this.fits(row)) places.push(i)
      } catch (error) {
        if (!DroverError.isInstance(error, 'RECORD_UNREADABLE')) throw error
        if (!this.isPart) rejected.push({ key: this.inner.keys()[i]?.source ?? null, error })
      }
    }
    return { places, rejected }
  }
}
