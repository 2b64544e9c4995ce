import { DroverError } from '@drover/core'
import type { MigrationBackfill } from '../contracts/backfill.js'
import type { JournalEntry } from '../contracts/journal.js'
import type { Migration } from '../contracts/migration.js'
import type { RecordedStep } from '../contracts/steps.js'
import { DoneSteps, type StepFound } from './done-steps.js'
import type { CourseStep, StepKeeper } from './journaled-steps.js'
import { newEntry } from './new-entry.js'
import type { Recording } from './recordings.js'
import { runBackfill } from './run-backfill.js'
import type { Session } from './session.js'
import { steadyValues, stepHash } from './step-hash.js'

export interface CourseOptions {
  readonly migration: Migration
  readonly direction: 'up' | 'down'
  /** Of the way up: what the journal keeps. */
  readonly recording: Recording
  /** As the way that is gone was recorded. */
  readonly recorded: readonly RecordedStep[]
  readonly foreignKeys: 'on' | 'off'
  /** What is unsafe or lost, and was borne: for the journal. */
  readonly borne: readonly string[]
}

/**
 * One revision on its way up or down, as the journal sees it: which steps are done, which one is open, and what is committed. After an
 * interruption the revision is run again, and steps that are done are passed over.
 */
export class Course implements StepKeeper {
  readonly notes: string[] = []
  /** What was done, this time and before. */
  readonly executed: RecordedStep[] = []
  /** Steps met so far, and the last one, for messages. */
  met = 0
  lastSql = ''
  /** Something of it is committed that a rollback does not take back. */
  hasCommitted = false
  /** Nothing is to be done: somebody else has done it. */
  isOver = false
  /** It goes on where it was interrupted. */
  isResumed = false
  readonly #session: Session
  readonly #options: CourseOptions
  readonly #began = performance.now()
  readonly #steady: ReturnType<typeof steadyValues>
  #entry: JournalEntry
  #done = new DoneSteps()

  constructor(session: Session, options: CourseOptions) {
    this.#session = session
    this.#options = options
    this.#steady = steadyValues(options.recorded)
    this.#entry = newEntry(options.migration, options.recording, session.actor)
  }

  get entry(): JournalEntry {
    return this.#entry
  }

  get durationMs(): number {
    return performance.now() - this.#began
  }

  get #isSplit(): boolean {
    return this.#options.migration.transaction === 'none'
  }

  /** Begins the transaction, or looks at the journal in one of its own. @throws `FENCED`, `STORE_BUSY` */
  async begin(): Promise<void> {
    await this.#begin()
    const { journal, connection, claimed } = this.#session
    const { migration, direction } = this.#options
    const found = await journal.hold(connection, claimed, migration.id)
    this.#take(found, direction)
    if (this.#isSplit || this.isOver) await connection.commit()
  }

  /** Whether a helper that looks at the database was done before an interruption: notes that it is, with what it does behind it. */
  async isDone(what: string): Promise<boolean> {
    // Outside of a transaction nobody knows how far it came.
    if (this.#isSplit) return false
    const hash = stepHash(`done: ${what}`, [], false)
    if (this.#passOver(hash, false)) return true
    this.#done.add(hash)
    return false
  }

  /** Runs a step, unless it was done before an interruption. */
  async step(step: CourseStep, run: () => Promise<number>): Promise<number> {
    const hash = stepHash(step.sql, this.#steady(step.sql, step.values), step.isRepeatable)
    this.lastSql = step.sql
    this.met++
    const { sql, by } = step
    this.executed.push({ kind: 'sql', sql, ...(by === undefined ? {} : { by }) })
    if (this.#passOver(hash, step.isRepeatable)) return 0
    if (this.#session.signal.aborted)
      throw DroverError.from(this.#session.signal.reason, 'the work was given up', 'ABORTED')
    if (!this.#isSplit) {
      const changed = await run()
      this.#done.add(hash)
      return changed
    }
    this.#meetOpen(step, hash)
    await this.#write(hash)
    const changed = await run()
    this.#done.add(hash)
    await this.#write()
    return changed
  }

  /** Commits what was done before it, runs it, and goes on in a new transaction. */
  async backfill(backfill: MigrationBackfill): Promise<void> {
    const { name, table } = backfill
    const hash = stepHash(`backfill ${name} of ${table}`, [], false)
    this.lastSql = `the backfill ${name} of ${table}`
    this.met++
    if (this.#passOver(hash, false)) return
    const { connection, database, signal } = this.#session
    // Which run of that name there was before: a later one that has completed is this one.
    let before = this.#done.backfillBegun(hash)
    if (before === undefined) {
      const found = await database.state.load(name, { signal })
      before = found?.status === 'completed' ? found.run : ''
      this.#done.beginBackfill(hash, before)
      await this.#putBegun()
      if (connection.isInTransaction) await connection.commit()
    } else if (connection.isInTransaction) await connection.rollback()
    await runBackfill(this.#session, backfill, before)
    this.#done.endBackfill(hash)
    if (this.#isSplit) return this.#write()
    await this.#begin()
    const { journal, claimed } = this.#session
    await journal.hold(connection, claimed)
    await this.#putBegun()
    // Noted at once: what follows may fail, and the backfill is done nevertheless.
    await connection.commit()
    await this.#begin()
    await journal.hold(connection, claimed)
  }

  note(sentence: string): void {
    this.notes.push(sentence)
  }

  /** Notes that it is at its end, and commits. */
  async finish(): Promise<void> {
    const { journal, connection, claimed, actor } = this.#session
    const { migration, direction } = this.#options
    if (!connection.isInTransaction) {
      await connection.begin()
      await journal.hold(connection, claimed)
    }
    if (direction === 'up') {
      const { openStep: _, ...entry } = this.#entry
      const durationMs = this.#entry.durationMs + this.durationMs
      await journal.put(connection, {
        ...entry,
        status: 'applied',
        steps: [],
        notes: [...entry.notes, ...this.notes],
        appliedAt: new Date(),
        durationMs,
      })
    } else await journal.remove(connection, migration.id)
    const detail = [...this.#options.borne, ...this.notes].join('\n')
    const { durationMs } = this
    await journal.tell(connection, {
      at: new Date(),
      revision: migration.id,
      action: direction,
      actor,
      durationMs,
      detail,
    })
    await connection.commit()
  }

  /** Takes back what is not committed, and notes what it failed with. */
  async fail(error: DroverError, stepFailed: boolean): Promise<void> {
    const { journal, connection, claimed, actor, logger } = this.#session
    const { migration } = this.#options
    await connection.rollback()
    try {
      await connection.begin()
      await journal.hold(connection, claimed)
      // A statement that the database has refused was not half done.
      if (this.#isSplit && stepFailed && this.hasCommitted) await journal.put(connection, this.#begun())
      await journal.tell(connection, {
        at: new Date(),
        revision: migration.id,
        action: DroverError.isInstance(error, 'MIGRATION_INTERRUPTED') ? 'interrupted' : 'failed',
        actor,
        durationMs: this.durationMs,
        detail: `${error.code}: ${error.message}`,
      })
      await connection.commit()
    } catch (also) {
      // It fails with the error that it came with; this one only concerns the note of it.
      await connection.rollback()
      logger?.warn(`${migration.id}: its failure could not be noted in the journal: ${String(also)}`)
    }
  }

  /** The open step is the last one that the recording knows: if the postconditions hold, nothing is left to do. */
  get mayBeDone(): boolean {
    const { steps } = this.#options.recording
    const isSeen = steps.every(({ kind }) => kind !== 'unseen')
    return this.#done.open !== undefined && isSeen && this.#done.certain === steps.length - 1
  }

  #take(found: JournalEntry | undefined, direction: 'up' | 'down'): void {
    const wanted = direction === 'up' ? 'begun' : 'reverting'
    if (found?.status === wanted) {
      // It may have been mended meanwhile, behind what is done.
      const { checksum, sql } = direction === 'up' ? this.#entry : found
      this.#entry = { ...found, checksum, sql }
      this.#done = new DoneSteps(found.steps)
      this.isResumed = true
      this.hasCommitted = true
    } else if (direction === 'up') this.isOver = found !== undefined
    else if (found === undefined) this.isOver = true
    else this.#entry = { ...found, status: 'reverting', steps: [] }
  }

  /** Whether it was done before an interruption. @throws `REVISION_EDITED` */
  #passOver(hash: string, isRepeatable: boolean): boolean {
    const found = this.#done.passOver(hash, isRepeatable)
    this.#refuseOther(found)
    return found === 'done'
  }

  /** The first step that was not done before has to be the one that was under way. */
  #meetOpen({ sql, isRepeatable }: CourseStep, hash: string): void {
    const { migration, direction } = this.#options
    const found = this.#done.meetOpen(hash, isRepeatable)
    if (found !== 'unknown') {
      this.#refuseOther(found)
      return
    }
    throw new DroverError(
      'MIGRATION_INTERRUPTED',
      `${migration.id} was interrupted on its way ${direction} while its step ${this.#done.hashes.length + 1} ran outside of a transaction, and nobody knows whether it was done: ${shownSql(sql)}. Look at the database, then say what you have found: "drover schema repair ${migration.id} retry" runs that step again and goes on; "applied" says that all of it is there; "reverted" that nothing of it is. A revision whose steps may be run again says so with idempotent: true.`,
    )
  }

  #refuseOther(found: StepFound): void {
    if (found !== 'other') return
    const { migration } = this.#options
    throw new DroverError(
      'REVISION_EDITED',
      `${migration.id} was interrupted after ${this.#done.known} steps, and its step ${this.#done.passed + 1} is not any more the one that was done then; now it is ${shownSql(this.lastSql)}. Undo the edit, and call again; or put the database right by hand, and say so with "drover schema repair ${migration.id}" and applied or reverted.`,
    )
  }

  async #begin(): Promise<void> {
    const { migration, foreignKeys } = this.#options
    const { connection } = this.#session
    await connection.begin({
      lockTimeoutMs: migration.lockTimeoutMs ?? 5_000,
      ...(connection.dialect === 'sqlite' ? { foreignKeys } : {}),
    })
  }

  /**
   * The entry of a revision on its way, in a transaction of its own.
   *
   * @param open Of the step that is about to run outside of it.
   */
  async #write(open?: string): Promise<void> {
    const { journal, connection, claimed } = this.#session
    await connection.begin()
    try {
      await journal.hold(connection, claimed)
      await journal.put(connection, this.#begun(open))
      await connection.commit()
      this.hasCommitted = true
    } finally {
      await connection.rollback()
    }
  }

  async #putBegun(): Promise<void> {
    const { journal, connection } = this.#session
    if (!connection.isInTransaction) return this.#write()
    await journal.put(connection, this.#begun())
    this.hasCommitted = true
  }

  #begun(open?: string): JournalEntry {
    const { openStep: _, ...entry } = this.#entry
    const notes = [...new Set([...entry.notes, ...this.notes])]
    const { hashes } = this.#done
    if (open === undefined) return { ...entry, steps: hashes, notes }
    return { ...entry, steps: [...hashes, `!${open}`], openStep: hashes.length, notes }
  }
}

/** A statement as a message shows it. */
export function shownSql(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}
