import {
  allOf,
  type Count,
  type Cursor,
  compileFilter,
  conjunctsOf,
  type Filter,
  type Operation,
  type Page,
  type Partition,
  type ReadOptions,
  type RecordKey,
  type RecordSchema,
  type Row,
  type SourceReject,
  type SourceSession,
} from '@drover/core'
import { fieldsOf } from './filter-fields.js'

/** A session that gives those records alone that fit a filter: the store leaves out what it can, the rest is left out here. */
export class FilteredSession<R> implements SourceSession<R> {
  readonly hasParts?: boolean
  readonly count?: NonNullable<SourceSession<R>['count']>
  readonly pushDown?: NonNullable<SourceSession<R>['pushDown']>
  readonly partition?: NonNullable<SourceSession<R>['partition']>
  readonly split?: NonNullable<SourceSession<R>['split']>
  readonly #pushed: Filter | undefined
  readonly #fits: ((record: R) => boolean) | undefined
  readonly #fitsKey: (key: SourceReject['key']) => boolean

  constructor(
    private readonly inner: SourceSession<R>,
    filter: Filter,
    { key }: RecordSchema,
  ) {
    const { pushed, rest = pushed === undefined ? filter : undefined } = inner.pushDown?.(filter) ?? { rest: filter }
    this.#pushed = pushed
    this.#fits = rest === undefined ? undefined : (compileFilter(rest) as unknown as (record: R) => boolean)
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

/** Of a record that cannot be decoded, only the key can fit or not. */
function keyTest(rest: Filter | undefined, names: readonly string[]): (key: SourceReject['key']) => boolean {
  const ofKey =
    rest === undefined ? [] : conjunctsOf(rest).filter((one) => fieldsOf(one).every((field) => names.includes(field)))
  const filter = allOf(ofKey)
  if (filter === undefined) return () => true
  const fits = compileFilter(filter)
  return (key) => key === null || fits(Object.fromEntries(names.map((name, i) => [name, key[i]])) as Row)
}

/** The records of a page that fit. */
class FilteredPage<R> implements Page<R> {
  #places: readonly number[] | undefined

  constructor(
    private readonly inner: Page<R>,
    private readonly fits: (record: R) => boolean,
    private readonly fitsKey: (key: SourceReject['key']) => boolean,
  ) {}

  get count(): number {
    return this.#fitting().length + this.rejected.length
  }

  get bytes(): number {
    return this.inner.bytes
  }

  get cursor(): Cursor {
    return this.inner.cursor
  }

  get rejected(): readonly SourceReject[] {
    return (this.inner.rejected ?? []).filter(({ key }) => this.fitsKey(key))
  }

  rows(): readonly R[] {
    const rows = this.inner.rows()
    return this.#fitting().map((place) => rows[place] as R)
  }

  keys(): readonly RecordKey[] {
    const keys = this.inner.keys()
    return this.#fitting().map((place) => keys[place] as RecordKey)
  }

  slice(from: number, to: number): Page<R> {
    const places = this.#fitting().slice(Math.max(from, 0), Math.max(to, from, 0))
    const [first, last] = [places[0], places.at(-1)]
    if (first === undefined || last === undefined) return this.inner.slice(0, 0)
    return new FilteredPage(this.inner.slice(first, last + 1), this.fits, this.fitsKey)
  }

  release(isReread: boolean): void {
    this.#fitting()
    this.inner.release?.(isReread)
  }

  #fitting(): readonly number[] {
    this.#places ??= this.inner.rows().flatMap((row, i) => (this.fits(row) ? [i] : []))
    return this.#places
  }
}
