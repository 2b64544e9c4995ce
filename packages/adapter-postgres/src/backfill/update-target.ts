import { DroverError, type Outcome, type Page, type RecordSchema, type Row } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { sideEffects } from '../rehearsal/side-effects.js'
import type { BatchTarget, BatchWriter, TargetRehearsal } from '../sink/batch-target.js'
import { PageUpdater } from './page-updater.js'
import type { Computed, KeptImages, UpdatePlan } from './update-plan.js'

/** How records say what is to be done. */
export type ToComputed = (record: Row) => Computed

/** Updates rows that are there, as long as they are what was asked for. Nothing is ever inserted. */
export class UpdateTarget implements BatchTarget {
  readonly where: string

  constructor(
    private readonly plan: UpdatePlan,
    private readonly toComputed: ToComputed,
    private readonly kept?: () => KeptImages,
  ) {
    this.where = plan.where
  }

  async prepare(): Promise<void> {}

  async rehearsal(schema: RecordSchema, connection: PostgresConnection): Promise<TargetRehearsal> {
    const { table } = this.plan
    const notWritten = await sideEffects(connection, table, [...schema.fields, ...table.columns])
    return { creates: [], writer: notWritten === null ? this.#writer(connection, undefined) : { notWritten } }
  }

  begin(connection: PostgresConnection): BatchWriter {
    return this.#writer(connection, this.kept?.())
  }

  #writer(connection: PostgresConnection, kept: KeptImages | undefined): BatchWriter {
    return new UpdateWriter(new PageUpdater(connection, this.plan, kept), this.where, this.toComputed)
  }
}

class UpdateWriter implements BatchWriter {
  #rows = 0
  #updated = 0

  constructor(
    private readonly updater: PageUpdater,
    private readonly where: string,
    private readonly toComputed: ToComputed,
  ) {}

  async write(page: Page<Row>): Promise<void> {
    const records = page.rows()
    const computed = records.map((record, i) => this.#computed(record, this.#rows + i))
    this.#updated += await this.updater.update(computed, this.#rows)
    this.#rows += records.length
  }

  async end(): Promise<Outcome> {
    return { inserted: 0, updated: this.#updated, skipped: this.#rows - this.#updated }
  }

  async abandon(): Promise<void> {}

  #computed(record: Row, row: number): Computed {
    try {
      return this.toComputed(record)
    } catch (error) {
      if (!DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
      throw new DroverError('RECORD_REFUSED', `${this.where}: ${error.message}.`, { cause: error, row })
    }
  }
}
