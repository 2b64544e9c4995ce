import { DroverError, type Row, suggestNames } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { rowRefused } from '../wire/row-refused.js'
import { WireBuffer } from '../wire/wire-buffer.js'
import { binaryArray } from './binary-array.js'
import type { BoundColumn } from './bound-column.js'
import { boundColumns, type Computed, type KeptImages, type UpdatePlan, updateSql } from './update-plan.js'

/** Records that set the same columns, and are updated by one statement. */
interface Group {
  readonly sets: readonly BoundColumn[]
  readonly records: Computed[]
  /** Their places in the batch. */
  readonly places: number[]
}

/** Updates the rows of a page by one statement, inside the transaction that is open; by several where records set other columns. */
export class PageUpdater {
  readonly #out = new WireBuffer(16 * 1024)
  readonly #statements = new Map<string, string>()

  constructor(
    private readonly connection: PostgresConnection,
    private readonly plan: UpdatePlan,
    private readonly kept?: KeptImages,
  ) {}

  /**
   * @param before Rows of the batch in front of these.
   * @returns How many rows changed; the others are gone, or are not what was asked for any more.
   * @throws `RECORD_REFUSED`, with the row's place in the batch if it did not come to the server
   */
  async update(records: readonly Computed[], before: number): Promise<number> {
    let changed = 0
    const groups = new Map<string, Group>()
    const keys = new Set<string>()
    for (const [i, record] of records.entries()) {
      const names = this.plan.expressions === undefined ? namesIn(record.set) : []
      if (names.length === 0 && this.plan.expressions === undefined) continue
      const key = this.#keyOf(record)
      if (keys.has(key)) {
        // Which of two for one row would win is open within a statement.
        changed += await this.#flush(groups)
        keys.clear()
      }
      keys.add(key)
      const group = this.#groupOf(groups, names, before + i)
      group.records.push(record)
      group.places.push(before + i)
    }
    return changed + (await this.#flush(groups))
  }

  async #flush(groups: Map<string, Group>): Promise<number> {
    let changed = 0
    for (const [id, group] of groups) changed += await this.#write(id, group)
    groups.clear()
    return changed
  }

  async #write(id: string, { sets, records, places }: Group): Promise<number> {
    const { plan, connection } = this
    const bound = boundColumns(plan, sets)
    const values: unknown[] = bound.map((column, i) => {
      const isSet = i < bound.length - plan.key.length - plan.seen.length
      const own = records.map(({ set, row }) => valueIn(isSet ? set : row, column.name))
      const refused = (error: unknown, at: number): unknown =>
        rowRefused(error, { name: column.name, type: column.wire }, plan.where, places[at])
      return binaryArray(column.element, own, this.#out, refused)
    })
    if (plan.isOrdered) {
      for (const edge of [records[0], records.at(-1)]) values.push(...this.#edge(edge as Computed))
    }
    const sql = this.#statements.get(id) ?? updateSql(plan, sets, this.kept)
    this.#statements.set(id, sql)
    const doing = `updating ${plan.where}`
    const { count, rows } = await connection.query<{ updated: number }>(sql, values, { doing })
    if (this.kept === undefined) return count
    const updated = rows[0]?.updated ?? 0
    if (updated === records.length || plan.skipLocked !== null) return updated
    const rest = await connection.query<{ updated: number }>(updateSql(plan, sets, this.kept, 'rest'), values, {
      doing,
    })
    return updated + (rest.rows[0]?.updated ?? 0)
  }

  #edge({ row }: Computed): string[] {
    return this.plan.key.map(({ name, element }) => element.codec.text(valueIn(row, name)))
  }

  #groupOf(groups: Map<string, Group>, names: readonly string[], row: number): Group {
    const id = names.length === 1 ? (names[0] as string) : JSON.stringify(names)
    const known = groups.get(id)
    if (known !== undefined) return known
    const { plan } = this
    const sets = plan.expressions === undefined ? names.map((name) => this.#columnOf(name, row)) : plan.sets
    const group = { sets, records: [], places: [] }
    groups.set(id, group)
    return group
  }

  #columnOf(name: string, row: number): BoundColumn {
    const { sets, where } = this.plan
    const column = sets.find((one) => one.name === name)
    if (column !== undefined) return column
    const known = sets.map((one) => one.name)
    throw new DroverError(
      'RECORD_REFUSED',
      `${where}: row ${row} of the batch sets no column "${name}"${suggestNames(name, known)}`,
      { row },
    )
  }

  #keyOf({ row }: Computed): string {
    const { key } = this.plan
    if (key.length === 1) return String(valueIn(row, (key[0] as BoundColumn).name))
    return JSON.stringify(key.map(({ name }) => String(valueIn(row, name))))
  }
}

function namesIn(set: Row): string[] {
  return Object.keys(set).filter((name) => set[name] !== undefined)
}

function valueIn(row: Row, name: string): unknown {
  return Object.hasOwn(row, name) ? row[name] : null
}
