import { type Field, inferSchema, type Row, type SinkAccount, type SinkOperation } from '@drover/core'

/**
 * What becomes of a field that the table has no column for. `fail`: nothing is written, or, where it comes up later, its record is refused.
 * `ignore`: the field is left out, and each is warned of once. `add`: the table gets a column that can be null.
 */
export type NewColumnsPolicy = 'fail' | 'ignore' | 'add'

export const newColumnsPolicies: readonly NewColumnsPolicy[] = ['fail', 'ignore', 'add']

/** Behind the message that there is no such column. */
export const newColumnsRemedy = "newColumns: 'add' adds columns for new fields, 'ignore' leaves such fields out"

/** Records have fields that the table has no columns for, and is to get. */
export class ColumnsMissing extends Error {
  constructor(readonly fields: readonly Field[]) {
    super(`no columns for ${fields.map(({ name }) => name).join(', ')}`)
  }
}

/** Decides about fields without a column, for all partitions of a session. */
export class NewColumns {
  readonly #leftOut = new Set<string>()
  readonly #added = new Set<string>()

  constructor(
    readonly policy: NewColumnsPolicy,
    private readonly where: string,
    private readonly voice: Pick<SinkOperation, 'warn' | 'info'>,
  ) {}

  leaveOut(field: string): void {
    if (this.#leftOut.has(field)) return
    this.#leftOut.add(field)
    const message = `${this.where} has no column "${field}": the field is left out of all records (newColumns: 'ignore').`
    this.voice.warn?.({ code: 'FIELD_LEFT_OUT', message })
  }

  /** The table has got a column for each of them. */
  add(fields: readonly Field[]): void {
    for (const { name } of fields) this.#added.add(name)
    this.voice.info?.(`${this.where} has got columns for the fields ${shown(fields.map(({ name }) => name))}.`)
  }

  get account(): SinkAccount | undefined {
    if (this.#added.size === 0) return undefined
    const notes = [`columns added to ${this.where}: ${shown([...this.#added])}`]
    return { figures: { 'columns added': this.#added.size }, kept: [], notes }
  }
}

/** What columns these rows need besides those that are there. A field that is null in all of them needs none yet. */
export function missingFields(rows: readonly Row[], has: (name: string) => boolean): readonly Field[] {
  const unknown = rows.flatMap((row) => {
    const found = Object.entries(row).filter(([name, value]) => value !== null && value !== undefined && !has(name))
    return found.length === 0 ? [] : [Object.fromEntries(found)]
  })
  return inferSchema(unknown).fields.map((field) => ({ ...field, nullable: true }))
}

function shown(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}
