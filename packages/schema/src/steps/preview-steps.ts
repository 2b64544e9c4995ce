import type { Row } from '@drover/core'
import type { MigrationBackfill } from '../contracts/backfill.js'
import type { Catalog } from '../contracts/catalog.js'
import type { Dialect } from '../contracts/migration.js'
import type { RecordedStep, StepOptions, Steps } from '../contracts/steps.js'
import { backfillShown } from './backfill-shown.js'
import { checkOutside } from './check-outside.js'

/** Options of {@link PreviewSteps}. */
export interface PreviewStepsOptions {
  readonly dialect: Dialect
  /** Of the server or library that it is for. @default 130000, 3035000 */
  readonly version?: number
  /** The schema as it stands before each step, where somebody knows it. @default nobody does */
  readonly catalog?: () => Promise<Catalog | null>
  /** Is given each step when it is written down. */
  readonly onStep?: (step: RecordedStep) => Promise<void>
  /** Of the revision. @default 'one' */
  readonly transaction?: 'one' | 'none'
  /** Its id. */
  readonly revision?: string
  readonly signal?: AbortSignal
}

/** Steps that are written down and not run. */
export class PreviewSteps implements Steps {
  readonly dialect: Dialect
  readonly version: number
  readonly isPreview = true
  readonly isInTransaction: boolean
  /** What needs them off says so by its steps, and gets them so. */
  readonly foreignKeys: 'on' | 'off'
  readonly revision?: string
  readonly signal: AbortSignal
  /** In order. */
  readonly recorded: RecordedStep[] = []
  readonly notes: string[] = []
  readonly #catalog: PreviewStepsOptions['catalog']
  readonly #onStep: PreviewStepsOptions['onStep']
  /** What was read, and nobody has said what depends on it. */
  #unsaid: string | undefined

  constructor(options: PreviewStepsOptions) {
    this.dialect = options.dialect
    this.version = options.version ?? (options.dialect === 'postgres' ? 130_000 : 3_035_000)
    this.isInTransaction = (options.transaction ?? 'one') === 'one'
    this.foreignKeys = options.dialect === 'sqlite' ? 'off' : 'on'
    this.signal = options.signal ?? new AbortController().signal
    if (options.revision !== undefined) this.revision = options.revision
    this.#catalog = options.catalog
    this.#onStep = options.onStep
  }

  /** Something was read, of which nothing could be given. */
  get hasRead(): boolean {
    return this.#unsaid !== undefined || this.recorded.some(({ kind }) => kind === 'unseen')
  }

  async read(sql: string): Promise<readonly Row[]> {
    this.#unsaid ??= sql.trim()
    return []
  }

  async run(sql: string, options: StepOptions = {}): Promise<number> {
    checkOutside(sql, options, this.dialect, this.isInTransaction)
    const { values = [], isOutside = false, by, call } = options
    await this.#record({
      kind: 'sql',
      sql: sql.trim().replace(/;$/, ''),
      ...(values.length === 0 ? {} : { values: [...values] }),
      ...(isOutside ? { isOutside } : {}),
      ...(by === undefined ? {} : { by }),
      ...(call === undefined ? {} : { call }),
    })
    return 0
  }

  async catalog(): Promise<Catalog | null> {
    return (await this.#catalog?.()) ?? null
  }

  unseen(about: string, by?: string, call?: string): void {
    this.#unsaid = undefined
    const said = { ...(by === undefined ? {} : { by }), ...(call === undefined ? {} : { call }) }
    this.recorded.push({ kind: 'unseen', about, ...said })
  }

  async isDone(): Promise<boolean> {
    return false
  }

  async backfill(backfill: MigrationBackfill): Promise<void> {
    const { name, table } = backfill
    await this.#record({ kind: 'backfill', name, table, detail: backfillShown(backfill) })
  }

  note(sentence: string): void {
    this.notes.push(sentence)
  }

  async #record(step: RecordedStep): Promise<void> {
    if (this.#unsaid !== undefined) {
      const call = step.kind === 'sql' ? step.call : undefined
      this.unseen(`what follows may depend on the rows of: ${this.#unsaid}`, undefined, call)
    }
    this.recorded.push(step)
    await this.#onStep?.(step)
  }
}
