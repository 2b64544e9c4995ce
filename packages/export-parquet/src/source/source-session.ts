import type { Count, Filter, Operation, Partition, ReadOptions, RecordSchema, SourceSession } from '@drover/core'
import { cutSet } from './cut-set.js'
import type { FileSet } from './file-set.js'
import type { ParquetPage } from './parquet-page.js'
import { fieldsOf, pushDown } from './push-down.js'
import { readSet } from './read-set.js'

const countedPage = { records: 10_000, bytes: 16 * 1024 * 1024 }
/** Records of which the fields of a filter are looked at to count them; of more, the count is an estimate. */
const countedRecords = 10_000_000

/** An open set of Parquet files: what it holds is known from the footers. */
export class ParquetSession implements SourceSession {
  constructor(private readonly set: FileSet) {}

  async describe(): Promise<RecordSchema> {
    const { fields, key } = this.set.schema
    return { fields: fields.map(({ field }) => field), key }
  }

  /** Exact from the footers; under a filter by looking at its fields alone. */
  async count({ filter, signal }: Operation & { readonly filter?: Filter }): Promise<Count> {
    const { rows: total } = this.set
    if (filter === undefined) return { value: total, exact: true }
    const names = fieldsOf(filter)
    const fields = this.set.schema.fields.filter(({ field }) => names.includes(field.name))
    let value = 0
    for await (const page of readSet(this.set, {
      bounds: null,
      after: null,
      page: countedPage,
      signal,
      filter,
      fields,
      key: [],
    })) {
      value += page.count
      const { end: seen } = page
      if (seen >= countedRecords && seen < total) return { value: Math.round((value * total) / seen), exact: false }
    }
    return { value, exact: true }
  }

  pushDown(filter: Filter): ReturnType<NonNullable<SourceSession['pushDown']>> {
    return pushDown(filter, this.set.schema)
  }

  async partition({ count }: Operation & { readonly count: number }): Promise<readonly Partition[]> {
    return cutSet(this.set, count)
  }

  read({ partition, after, filter, page, signal }: ReadOptions): AsyncGenerator<ParquetPage> {
    const { fields, key } = this.set.schema
    return readSet(this.set, { bounds: partition.bounds, after, filter, page, signal, fields, key })
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
