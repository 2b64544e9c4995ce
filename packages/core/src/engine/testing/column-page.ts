import type { Filter } from '../../contracts/filter.js'
import type { Columns, Page, Pouring, RecordKey } from '../../contracts/page.js'
import type { Source } from '../../contracts/source.js'
import type { Cursor, Row } from '../../contracts/values.js'
import { DroverError } from '../../errors/drover-error.js'
import { compileFilter } from '../../filters/compile-filter.js'

/** A page that is kept by column, and notes which of them were looked at, other than by pouring. */
export class ColumnPage implements Page<Row> {
  readonly bytes = 100

  constructor(
    private readonly values: ReadonlyMap<string, readonly unknown[]>,
    private readonly sourceKeys: readonly RecordKey[],
    readonly cursor: Cursor,
    private readonly decoded: Set<string>,
  ) {}

  get count(): number {
    return this.sourceKeys.length
  }

  readonly columns: Columns<Row> = {
    get: (field) => {
      const values = this.column(field)
      this.decoded.add(field)
      return values
    },
    with: (field, values) => {
      if (Array.from(values).includes('refused')) throw new DroverError('RECORD_REFUSED', 'it does not take that')
      const changed = new Map(this.values).set(field, Array.from(values))
      return new ColumnPage(changed, this.sourceKeys, this.cursor, this.decoded)
    },
  }

  pour({ fields, into, records = this.sourceKeys.map((_, i) => i) }: Pouring): void {
    const values = fields.map((field) => this.column(field))
    for (const record of Array.from(records))
      for (const [i, writer] of into.entries()) writer.value(values[i]?.[record])
  }

  /** What a sink sees that knows the form. */
  column(field: string): readonly unknown[] {
    const values = this.values.get(field)
    if (values === undefined) throw new DroverError('NAME_UNKNOWN', `there is no ${field}`)
    return values
  }

  rows(): readonly Row[] {
    this.decoded.add(this.count === 1 ? 'one' : 'all')
    return this.sourceKeys.map((_, i) => Object.fromEntries([...this.values].map(([field, all]) => [field, all[i]])))
  }

  keys(): readonly RecordKey[] {
    return this.sourceKeys
  }

  slice(start: number, end: number): ColumnPage {
    const values = [...this.values].map(([field, all]) => [field, all.slice(start, end)] as const)
    return new ColumnPage(new Map(values), this.sourceKeys.slice(start, end), this.cursor, this.decoded)
  }
}

export const columnFields = ['id', 'text', 'tokens', 'rest']

export function columnSource(count: number, decoded: Set<string>): Source<Row> {
  const records = Array.from({ length: count }, (_, id) => [id, `text ${id}`, 0, `rest ${id}`])
  return {
    specVersion: 1,
    name: 'columns',
    connect: async () => ({
      describe: async () => ({
        fields: columnFields.map((name) => ({ name, type: { kind: 'any' }, nullable: true })),
        key: ['id'],
      }),
      pushDown: (filter) => ({ pushed: filter }),
      async *read({ after, page, filter }) {
        for (let at = after === null ? 0 : (after as number); at < count; at += page.records) {
          const part = records.slice(at, at + page.records).filter(matching(filter))
          const values = columnFields.map((field, i) => [field, part.map((record) => record[i])] as const)
          const keys = part.map(([id]) => ({ source: [id as number], child: 0 }))
          yield new ColumnPage(new Map(values), keys, Math.min(count, at + page.records), decoded)
        }
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  }
}

function matching(filter: Filter | undefined): (record: readonly unknown[]) => boolean {
  if (filter === undefined) return () => true
  const matches = compileFilter(filter)
  return (record) => matches(Object.fromEntries(columnFields.map((field, i) => [field, record[i]])))
}
