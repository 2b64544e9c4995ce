import type { Database, DatabaseTable } from '../contracts/database.js'
import type { Page } from '../contracts/page.js'
import type { Partition } from '../contracts/position.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { Count, ReadOptions, Source, SourceSession } from '../contracts/source.js'
import type { ConnectOperation } from '../contracts/stall.js'
import type { Operation, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import type { Selection } from './copy-plan.js'
import { type OpenedDatabase, openSource } from './read-plan.js'

const tables = new WeakMap<Page, string>()

/** The table that a page came from. */
export function tableOfPage(page: Page): string | undefined {
  return tables.get(page)
}

/** All tables of a database as one source: each is a partition of its own, named after it. */
export function tablesSource(database: Database, selection: Selection): Source<Row> {
  const { include, exclude } = selection
  return {
    specVersion: 1,
    name: database.name,
    ...(include === undefined && exclude === undefined ? {} : { version: JSON.stringify({ include, exclude }) }),
    connect: async (operation) => new TablesReader(await openSource(database, selection, operation), operation),
  }
}

class TablesReader implements SourceSession<Row> {
  readonly hasParts = true

  constructor(
    private readonly opened: OpenedDatabase,
    private readonly connected: ConnectOperation,
  ) {}

  /** A field for each table, which holds those of its rows. */
  async describe(): Promise<RecordSchema> {
    const fields = this.opened.plan.tables.map(({ name, schema }) => ({
      name,
      type: { kind: 'struct' as const, fields: schema.fields },
      nullable: false,
    }))
    return { fields, key: [] }
  }

  async count(operation: Operation): Promise<Count> {
    const count = { value: 0, exact: true }
    for (const table of this.opened.plan.tables) {
      await using session = await this.#open(table, operation)
      const { value, exact } = (await session.count?.(operation)) ?? { value: 0, exact: false }
      count.value += value
      count.exact &&= exact
    }
    return count
  }

  async partition(): Promise<readonly Partition[]> {
    return this.opened.plan.tables.map(({ name }) => ({ id: name, bounds: null }))
  }

  async *read(options: ReadOptions): AsyncGenerator<Page<Row>> {
    const { id, ...rest } = options.partition
    // Who only wants to see some of it, such as a dry run, asks for all.
    const wanted = id === 'all' && !this.#has(id) ? this.opened.plan.tables : [this.#table(id)]
    for (const table of wanted) {
      await using session = await this.#open(table, options)
      for await (const page of session.read({ ...options, partition: { ...rest, id: 'all' } })) {
        tables.set(page, table.name)
        yield page
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened.session[Symbol.asyncDispose]()
  }

  #open(table: DatabaseTable, { signal }: Operation): Promise<SourceSession<Row>> {
    return this.opened.session.source(table).connect({ ...this.connected, signal })
  }

  #has(name: string): boolean {
    return this.opened.plan.tables.some((table) => table.name === name)
  }

  #table(name: string): DatabaseTable {
    const { tables } = this.opened.plan
    const table = tables.find((one) => one.name === name)
    if (table !== undefined) return table
    throw new DroverError(
      'SOURCE_NOT_FOUND',
      `the table "${name}", of which rows were copied, is not there any more${suggestNames(
        name,
        tables.map((one) => one.name),
      )}`,
    )
  }
}
