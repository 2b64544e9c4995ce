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
  /** Of the way up, as soon as it is recorded. */
  readonly #checksums = new Map<string, string>()

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  of(migration: Migration, direction: 'up' | 'down' = 'up'): Promise<Recording> {
    const key = `${direction} ${migration.id}`
    const known = this.#known.get(key) ?? this.#record(migration, direction)
    this.#known.set(key, known)
    return known
  }

  /** Of the way up. Once all are recorded, comparing a database with hundreds of them waits for nothing. */
  checksum(migration: Migration): string | Promise<string> {
    return this.#checksums.get(migration.id) ?? this.of(migration).then(({ checksum }) => checksum)
  }

  async planned(migration: Migration, direction: 'up' | 'down'): Promise<PlannedRevision> {
    const { steps, checksum } = await this.of(migration, direction)
    return { migration, direction, steps, checksum }
  }

  async #record(migration: Migration, direction: 'up' | 'down'): Promise<Recording> {
    const steps = await recordMigration(migration, direction, this.#dialect)
    const checksum = checksumOf(steps)
    if (direction === 'up') this.#checksums.set(migration.id, checksum)
    return { steps, checksum, sql: formatSteps(steps, this.#dialect) }
  }
}
