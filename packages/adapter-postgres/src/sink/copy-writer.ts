import { DelimitedPage, type Outcome, type Page, type Row } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { CopyPage } from '../wire/copy-page.js'
import type { BatchWriter } from './batch-target.js'
import type { OpenCopy } from './open-copy.js'
import type { ReadyTable } from './ready-table.js'
import type { Shape } from './shapes.js'

/** Where the rows of a batch are copied to, in the transaction that is open. */
export interface Destination {
  /** @param first Place in the batch of the first row. */
  open(shape: Shape, first: number): Promise<Opened>
}

export interface Opened {
  /** What COPY is to write to, as SQL names it. */
  readonly table: string
  /** @param copied How many of the rows are there; triggers may have left some out. */
  close(rows: number, copied: number): Promise<Outcome>
}

/** Sends pages into a COPY that is open while the next ones come; another one for records that have other columns. */
export class CopyWriter implements BatchWriter {
  #current: { readonly copy: OpenCopy; readonly opened: Opened; readonly columns: string } | undefined
  #destination: Destination | undefined
  #shape: Shape | undefined
  #rows = 0
  #outcome: Outcome = { inserted: 0, updated: 0, skipped: 0 }

  constructor(
    private readonly connection: PostgresConnection,
    /** Once there are rows. */
    private readonly ready: () => Promise<ReadyTable>,
    private readonly destination: (table: ReadyTable) => Destination,
  ) {}

  async write(page: Page<Row>): Promise<void> {
    const count = page instanceof DelimitedPage || page instanceof CopyPage ? readable(page) : page.rows().length
    if (count === 0) return
    const table = await this.ready()
    const raw = page instanceof CopyPage ? table.rawShape(page.layout) : undefined
    if (raw !== undefined && page instanceof CopyPage) {
      const copy = await this.#copyFor(table, raw)
      await copy.pass(page.payload(), count)
      this.#rows += count
      return
    }
    if (page instanceof DelimitedPage && (await this.#wroteTexts(page, table))) return
    for (const { rows, shape } of table.stretches(page.rows(), this.#shape, this.#rows)) {
      this.#shape = shape
      const copy = await this.#copyFor(table, shape)
      await copy.write(rows)
      this.#rows += rows.length
    }
  }

  async #wroteTexts(page: DelimitedPage, table: ReadyTable): Promise<boolean> {
    const shape = table.textShape(page.fields)
    if (shape === undefined) return false
    const copy = await this.#copyFor(table, shape)
    if (!(await copy.writeTexts(page))) return false
    this.#rows += page.count
    return true
  }

  async end(): Promise<Outcome> {
    await this.#close()
    return this.#outcome
  }

  async abandon(): Promise<void> {
    await this.#current?.copy.abandon()
  }

  async #copyFor(table: ReadyTable, shape: Shape): Promise<OpenCopy> {
    if (this.#current?.columns === shape.id) return this.#current.copy
    await this.#close()
    this.#destination ??= this.destination(table)
    const opened = await this.#destination.open(shape, this.#rows)
    const copy = await table.openCopy(this.connection, opened.table, shape, this.#rows)
    this.#current = { copy, opened, columns: shape.id }
    return copy
  }

  async #close(): Promise<void> {
    if (this.#current === undefined) return
    const { copy, opened } = this.#current
    const copied = await copy.end()
    this.#current = undefined
    const { inserted, updated, skipped } = await opened.close(copy.rows, copied)
    const before = this.#outcome
    this.#outcome = {
      inserted: before.inserted + inserted,
      updated: before.updated + updated,
      skipped: before.skipped + skipped,
    }
  }
}

function readable({ count, rejected }: Page<Row>): number {
  return count - (rejected?.length ?? 0)
}
