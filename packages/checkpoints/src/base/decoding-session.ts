import {
  allOf,
  type Count,
  conjunctsOf,
  type Filter,
  type Operation,
  type Page,
  type Partition,
  type ReadOptions,
  type RecordSchema,
  type SourceSession,
} from '@drover/core'
import { DecodingPage } from './decoding-page.js'
import type { Decoding } from './decoding-source.js'
import { fieldsOf, renamed } from './filter-fields.js'

/** A session of another source whose rows are decoded. What the other one cannot do, this one cannot. */
export class DecodingSession<I extends object, R> implements SourceSession<R> {
  readonly hasParts?: boolean
  readonly count?: NonNullable<SourceSession<R>['count']>
  readonly pushDown?: NonNullable<SourceSession<R>['pushDown']>
  readonly partition?: NonNullable<SourceSession<R>['partition']>
  readonly split?: NonNullable<SourceSession<R>['split']>
  /** By the names that they have in records, and the other way round. */
  readonly #inRows: ReadonlyMap<string, string>
  readonly #inRecords: ReadonlyMap<string, string>

  constructor(
    private readonly inner: SourceSession<I>,
    private readonly decoding: Decoding<I, R>,
  ) {
    const { schema, sameFields = Object.fromEntries(schema.key.map((name) => [name, name])) } = decoding
    this.#inRows = new Map(Object.entries(sameFields))
    this.#inRecords = new Map([...this.#inRows].map(([record, row]) => [row, record]))
    if (inner.hasParts !== undefined) this.hasParts = inner.hasParts
    if (inner.count !== undefined) this.count = (options) => this.#count(options)
    if (inner.pushDown !== undefined) this.pushDown = (filter) => this.#pushDown(filter)
    if (inner.partition !== undefined) this.partition = (options) => this.#partition(options)
    if (inner.split !== undefined) this.split = (options) => this.#split(options)
  }

  async describe(): Promise<RecordSchema> {
    return this.decoding.schema
  }

  async *read({ forms: _, ...options }: ReadOptions): AsyncIterable<Page<R>> {
    const pages = this.inner.read({ ...options, forms: [], ...this.#filterOf(options.filter) })
    for await (const page of pages) yield new DecodingPage(page, this.decoding)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]()
  }

  async #count({ filter, ...operation }: Operation & { readonly filter?: Filter }): Promise<Count> {
    return (await this.inner.count?.({ ...operation, ...this.#filterOf(filter) })) as Count
  }

  #pushDown(filter: Filter): { readonly pushed?: Filter; readonly rest?: Filter } {
    const pushed: Filter[] = []
    const rest: Filter[] = []
    for (const one of conjunctsOf(filter)) {
      const isOfRows = fieldsOf(one).every((field) => this.#inRows.has(field))
      const answer = isOfRows ? this.inner.pushDown?.(renamed(one, this.#inRows)) : { rest: one }
      if (answer?.pushed !== undefined) pushed.push(renamed(answer.pushed, this.#inRecords))
      if (answer?.rest !== undefined) rest.push(isOfRows ? renamed(answer.rest, this.#inRecords) : answer.rest)
    }
    const [all, others] = [allOf(pushed), allOf(rest)]
    return { ...(all && { pushed: all }), ...(others && { rest: others }) }
  }

  async #partition({
    filter,
    ...options
  }: Operation & { readonly count: number; readonly filter?: Filter }): Promise<readonly Partition[]> {
    return (await this.inner.partition?.({ ...options, ...this.#filterOf(filter) })) ?? []
  }

  async #split(options: Parameters<NonNullable<SourceSession['split']>>[0]): Promise<readonly Partition[]> {
    return (await this.inner.split?.(options)) ?? []
  }

  /** What was pushed, as the other source takes it. */
  #filterOf(filter: Filter | undefined): { readonly filter?: Filter } {
    return filter === undefined ? {} : { filter: renamed(filter, this.#inRows) }
  }
}
