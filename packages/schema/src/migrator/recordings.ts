import type { Dialect, Migration } from '../contracts/migration.js'
import type { PlannedRevision } from '../contracts/plan.js'
import type { RecordedStep } from '../contracts/steps.js'
import { checksumOf } from '../steps/checksum-of.js'
import { formatSteps } from '../steps/format-steps.js'
import { recordMigration } from '../steps/record-migration.js'

/** What a revision would do, as the offline recording gives it. */
export interface Recording {
  readonly steps: readonly RecordedStep[]
  readonly checksum: string
  /** The steps as text. */
  readonly sql: string
}

/** Records each revision once. */
export class Recordings {
  readonly #dialect: Dialect
  readonly #known = new Map<string, Promise<Recording>>()

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  of(migration: Migration, direction: 'up' | 'down' = 'up'): Promise<Recording> {
    const key = `${direction} ${migration.id}`
    const known = this.#known.get(key) ?? this.#record(migration, direction)
    this.#known.set(key, known)
    return known
  }

  async planned(migration: Migration, direction: 'up' | 'down'): Promise<PlannedRevision> {
    const { steps, checksum } = await this.of(migration, direction)
    return { migration, direction, steps, checksum }
  }

  async #record(migration: Migration, direction: 'up' | 'down'): Promise<Recording> {
    const steps = await recordMigration(migration, direction, this.#dialect)
    return { steps, checksum: checksumOf(steps), sql: formatSteps(steps, this.#dialect) }
  }
}
