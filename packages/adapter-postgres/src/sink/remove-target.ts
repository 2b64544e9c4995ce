import type { Outcome, Page, Row } from '@drover/core'
import { keyArrays } from '../archive/key-arrays.js'
import { resolvePlan } from '../backfill/resolve-plan.js'
import { conditions, places, type UpdatePlan, unnested } from '../backfill/update-plan.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { BatchTarget, BatchWriter } from './batch-target.js'

/** Deletes rows by their keys. */
export class RemoveTarget implements BatchTarget {
  readonly where: string

  private constructor(private readonly plan: UpdatePlan) {
    this.where = plan.where
  }

  static async of(
    connection: PostgresConnection,
    { table, key }: { readonly table: string; readonly key: readonly string[] | undefined },
  ): Promise<RemoveTarget> {
    const selection = {
      table,
      key,
      where: undefined,
      sets: [],
      skipLocked: false,
      json: 'value',
      invalidText: 'refuse',
    }
    return new RemoveTarget(
      await resolvePlan(connection, { ...selection, rights: ['SELECT', 'DELETE'] } as Parameters<
        typeof resolvePlan
      >[1]),
    )
  }

  async prepare(): Promise<void> {}

  begin(connection: PostgresConnection): BatchWriter {
    return new RemoveWriter(connection, this.plan)
  }
}

class RemoveWriter implements BatchWriter {
  #rows = 0
  #deleted = 0

  constructor(
    private readonly connection: PostgresConnection,
    private readonly plan: UpdatePlan,
  ) {}

  async write(page: Page<Row>): Promise<void> {
    const { key, table, where } = this.plan
    const rows = page.rows()
    if (rows.length === 0) return
    const { count } = await this.connection.query(
      `DELETE FROM ${table.sql} USING ${unnested(key)} AS drover_u (${places(key)}) WHERE ${conditions(this.plan, key, 'drover_u')}`,
      keyArrays(key, rows),
      { doing: `deleting rows of ${where} whose records are gone` },
    )
    this.#rows += rows.length
    this.#deleted += count
  }

  async end(): Promise<Outcome> {
    return { inserted: 0, updated: this.#deleted, skipped: this.#rows - this.#deleted }
  }

  async abandon(): Promise<void> {}
}
