import type { Page, RecordKey } from '../contracts/page.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { AckSession, ExactSession } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { keyValues } from '../memory/key-values.js'
import { inferSchema } from '../schema/infer-schema.js'
import type { PlanHelp } from './plan.js'
import { retrying } from './retry.js'

export interface SinkReadinessOptions {
  /** The run's. */
  readonly name: string
  /** The sink's name. */
  readonly sink: string
  readonly session: ExactSession<Row> | AckSession<Row>
  /** What the source says of its records. */
  readonly known: RecordSchema
  readonly help: PlanHelp
}

/** Sees to it that a sink is ready before its first row: once in a run, whichever partition comes first. */
export class SinkReadiness {
  #prepared: Promise<void> | undefined

  constructor(private readonly options: SinkReadinessOptions) {}

  /** @throws `FIDELITY_LOSS` */
  prepare(schema: RecordSchema): Promise<void> {
    this.#prepared ??= retrying(() => this.#checkAndPrepare(schema), this.options.help.retrying)
    return this.#prepared
  }

  /** Without known fields the first rows say what they are; until then nothing is prepared. */
  async prepareFor(sample: (rows: number) => Promise<readonly Page<Row>[]>): Promise<void> {
    const { check, prepare, sampleRecords } = this.options.session
    if (check === undefined && prepare === undefined) return
    if (this.#prepared !== undefined) return this.#prepared
    const pages = await sample(sampleRecords ?? 1)
    if (pages.length > 0) await this.prepare(schemaBehindPages(pages, sampleRecords, this.options.known))
  }

  async #checkAndPrepare(schema: RecordSchema): Promise<void> {
    const { name, sink, session, help } = this.options
    const issues = session.check?.(schema) ?? []
    if (issues.length > 0) {
      const said = issues.map(
        ({ field, loses, remedy }) => `${field}: ${loses}${remedy === undefined ? '' : ` (${remedy})`}`,
      )
      throw new DroverError(
        'FIDELITY_LOSS',
        `${name}: ${sink} cannot hold all that ${name} would write; nothing was written. ${said.join('; ')}.`,
      )
    }
    await session.prepare?.(schema, help.operation)
  }
}

/** What so many of the first rows of some pages look like; all of them without a number. */
export function schemaBehindPages(
  pages: readonly Page<Row>[],
  sampleRecords: number | undefined,
  source: RecordSchema,
): RecordSchema {
  const rows: Row[] = []
  const keys: RecordKey[] = []
  for (const page of pages) {
    for (const row of page.rows()) rows.push(row)
    for (const key of page.keys()) keys.push(key)
    // Who looks at so many may well not ask for them again, and they would be held as long as the batch.
    if (sampleRecords !== undefined) page.release?.(false)
  }
  return schemaBehind(rows.slice(0, sampleRecords), keys.slice(0, sampleRecords), source)
}

/**
 * What rows look like behind steps that do not say: as they are, with the source's own type where a field kept its name and kind, and with
 * its key where each record has become one row that has it still.
 */
export function schemaBehind(rows: readonly Row[], keys: readonly RecordKey[], source: RecordSchema): RecordSchema {
  const known = new Map(source.fields.map((field) => [field.name, field]))
  return {
    key: keepsKey(rows, keys, source.key) ? source.key : [],
    fields: inferSchema(rows).fields.map((field) => {
      const before = known.get(field.name)
      return before !== undefined && (field.type.kind === 'any' || before.type.kind === field.type.kind)
        ? before
        : { ...field, nullable: true }
    }),
  }
}

function keepsKey(rows: readonly Row[], keys: readonly RecordKey[], fields: readonly string[]): boolean {
  if (fields.length === 0) return false
  return rows.every((row, i) => {
    const { source, child } = keys[i] as RecordKey
    const own = child === 0 ? keyValues(row, fields) : null
    return own !== null && own.length === source.length && own.every((value, k) => value === source[k])
  })
}
