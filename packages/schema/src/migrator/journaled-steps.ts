import type { MigrationBackfill } from '../contracts/backfill.js'
import type { StepOptions, Steps } from '../contracts/steps.js'
import type { Course } from './course.js'

/** Steps that go to the database past the journal: what was done before an interruption is passed over. */
export class JournaledSteps implements Steps {
  readonly #inner: Steps
  readonly #course: Course
  readonly #isIdempotent: boolean

  constructor(inner: Steps, course: Course, isIdempotent: boolean) {
    this.#inner = inner
    this.#course = course
    this.#isIdempotent = isIdempotent
  }

  get dialect() {
    return this.#inner.dialect
  }

  get version() {
    return this.#inner.version
  }

  get isPreview() {
    return this.#inner.isPreview
  }

  get isInTransaction() {
    return this.#inner.isInTransaction
  }

  get foreignKeys() {
    return this.#inner.foreignKeys
  }

  get signal() {
    return this.#inner.signal
  }

  read: Steps['read'] = (sql, values) => this.#inner.read(sql, values)

  run(sql: string, options: StepOptions = {}): Promise<number> {
    const { values = [], isRepeatable = this.#isIdempotent } = options
    const { by } = options
    const step = { sql, values, isRepeatable, ...(by === undefined ? {} : { by }) }
    return this.#course.step(step, () => this.#inner.run(sql, options))
  }

  catalog: Steps['catalog'] = () => this.#inner.catalog()

  unseen: Steps['unseen'] = (about, by) => this.#inner.unseen(about, by)

  backfill(backfill: MigrationBackfill): Promise<void> {
    return this.#course.backfill(backfill)
  }

  note(sentence: string): void {
    this.#course.notes.push(sentence)
    this.#inner.note(sentence)
  }
}
