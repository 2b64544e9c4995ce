import type { MigrationBackfill } from '../contracts/backfill.js'
import type { StepOptions, Steps } from '../contracts/steps.js'
import { StepsThrough } from '../steps/steps-through.js'

/** A statement on its way: what the journal has to know of it. */
export interface CourseStep {
  readonly sql: string
  readonly values: readonly unknown[]
  /** It may be run again after an interruption. */
  readonly isRepeatable: boolean
  readonly by?: string
}

/** Who keeps the journal while the steps of a revision are run. */
export interface StepKeeper {
  /** Runs a step, unless it was done before an interruption. */
  step(step: CourseStep, run: () => Promise<number>): Promise<number>
  isDone(what: string): Promise<boolean>
  backfill(backfill: MigrationBackfill): Promise<void>
  note(sentence: string): void
}

/** Steps that go to the database past the journal: what was done before an interruption is passed over. */
export class JournaledSteps extends StepsThrough {
  constructor(
    inner: Steps,
    private readonly keeper: StepKeeper,
    private readonly isIdempotent: boolean,
  ) {
    super(inner)
  }

  override run(sql: string, options: StepOptions = {}): Promise<number> {
    const { values = [], isRepeatable = this.isIdempotent, by } = options
    const step = { sql, values, isRepeatable, ...(by === undefined ? {} : { by }) }
    return this.keeper.step(step, () => this.inner.run(sql, options))
  }

  override isDone(what: string): Promise<boolean> {
    return this.keeper.isDone(what)
  }

  override backfill(backfill: MigrationBackfill): Promise<void> {
    return this.keeper.backfill(backfill)
  }

  override note(sentence: string): void {
    this.keeper.note(sentence)
    this.inner.note(sentence)
  }
}
