import type { RejectStage } from '../contracts/report.js'
import type { StepReject } from './record-page.js'

/** The records of one page that steps rejected. */
export class StepRejects {
  readonly #byRecord = new Map<number, StepReject>()

  /** `bear` throws once the run bears no more of them: then the rest of the page is not worth its time. */
  constructor(private readonly bear: (rejects: StepRejects) => void) {}

  get size(): number {
    return this.#byRecord.size
  }

  get all(): readonly StepReject[] {
    return [...this.#byRecord.values()]
  }

  has(record: number): boolean {
    return this.#byRecord.has(record)
  }

  /** The first error of a record counts. */
  add(record: number, stage: RejectStage, error: unknown): void {
    if (this.#byRecord.has(record)) return
    this.#byRecord.set(record, { record, stage, error })
    this.bear(this)
  }
}
