import type { Page, Row } from '@drover/core'
import { conditions, places } from '../backfill/update-plan.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { readColumn, selected } from '../source/relation.js'
import { CopyFramer } from '../wire/copy-framer.js'
import { CopyLayout } from '../wire/copy-layout.js'
import { CopyOut } from '../wire/copy-out.js'
import { CopyPage } from '../wire/copy-page.js'
import { wireType } from '../wire/wire-type.js'
import type { ArchivePlan } from './archive-plan.js'
import { keyLiterals } from './key-arrays.js'

const page = { records: 1_000, bytes: 1024 * 1024 }

/** Reads rows as a source would, and locks them: until the transaction ends nobody changes them, or begins to refer to them. */
export class LockedRows {
  readonly #layout: CopyLayout

  constructor(
    private readonly plan: ArchivePlan,
    json: 'value' | 'text',
  ) {
    const { source, where, key } = plan
    this.#layout = new CopyLayout(
      source.columns
        .map(readColumn)
        .map(({ name, wire, isPrinted }) => ({ name, type: isPrinted ? wireType('text') : wire })),
      { json, where, key: key.map(({ name }) => name) },
    )
  }

  /** Those of the rows with these keys that are still to leave; the ones that somebody else has locked only where they are waited for. */
  async read(connection: PostgresConnection, keys: readonly Row[]): Promise<readonly Page<Row>[]> {
    const { where } = this.plan
    const framer = new CopyFramer({ ...page, columns: this.#layout.columns.length, where })
    const out = new CopyOut(`COPY (${this.#sql(keys)}) TO STDOUT (FORMAT binary)`, framer)
    const pages: Page<Row>[] = []
    await connection.run(`locking rows of ${where}`, async (client) => {
      client.query(out)
      try {
        for await (const rows of out) pages.push(new CopyPage(this.#layout, rows, null))
      } finally {
        await out.finished
      }
    })
    return pages
  }

  #sql(keys: readonly Row[]): string {
    const { key, table, source, skipLocked } = this.plan
    const own = quoteName(table.name)
    const columns = source.columns.map((column) =>
      selected({ ...readColumn(column), sql: `${own}.${quoteName(column.name)}` }),
    )
    const records = `${keyLiterals(key, keys)} AS drover_u (${places(key)})`
    const plan = { ...this.plan, seen: [], isOrdered: false }
    return `SELECT ${columns.join(', ')} FROM ${table.sql} JOIN ${records} ON ${conditions(plan, key, 'drover_u')}
      FOR UPDATE OF ${own}${skipLocked === null ? '' : ' SKIP LOCKED'}`
  }
}
