import { DroverError } from '@drover/core'
import type { JournalEntry, JournalEvent } from '../contracts/journal.js'
import type { PlannedRevision } from '../contracts/plan.js'
import { LiveSteps } from '../steps/live-steps.js'
import { migrationContext } from '../steps/migration-context.js'
import { type CourseStep, JournaledSteps, type StepKeeper } from './journaled-steps.js'
import { newEntry } from './new-entry.js'
import type { RevisionReport } from './run-revision.js'
import type { Session } from './session.js'
import { bareSql } from './step-hash.js'

/** A revision that goes together with others, and what is borne with it. */
export interface LightRevision extends PlannedRevision {
  readonly borne: readonly string[]
}

export interface RanTogether {
  /** What is applied and committed, from the first one on. */
  readonly reports: readonly RevisionReport[]
  /** The next one has to be run by itself: together it has not come to its end. */
  readonly hasFailed: boolean
}

interface Applied {
  readonly report: RevisionReport
  readonly entry: JournalEntry
  readonly event: JournalEvent
}

/** Others wait for the journal meanwhile, and SQLite takes no heartbeat. */
const longestMs = 1_000
const savepoint = 'drover_revision'

/**
 * Applies light revisions in one transaction, with a savepoint before each. Those before one that fails stay, and it leaves nothing; nobody is told
 * why, as it is run by itself then, and says so there. A kill leaves none of them.
 */
export async function runTogether(session: Session, revisions: readonly LightRevision[]): Promise<RanTogether> {
  const { connection, journal, claimed, logger } = session
  const began = performance.now()
  const done: Applied[] = []
  let hasFailed = false
  const failed = async (error: unknown, recover: () => Promise<void>): Promise<void> => {
    hasFailed = true
    const next = revisions[done.length]?.migration.id
    logger?.debug(`${next}: not together with others, but by itself: ${String(error)}`)
    await recover()
  }
  try {
    await connection.begin({ lockTimeoutMs: 5_000 })
    const last = await journal.holdNew(
      connection,
      claimed,
      revisions.map(({ migration }) => migration.id),
    )
    await connection.exec(`SAVEPOINT ${savepoint}`)
    for (const revision of revisions) {
      if (performance.now() - began > longestMs && done.length > 0) break
      try {
        done.push(await applied(session, revision))
      } catch (error) {
        await failed(error, () => connection.exec(`ROLLBACK TO SAVEPOINT ${savepoint}`))
        break
      }
    }
    if (done.length > 0) {
      await journal.putNew(connection, done, last)
      await connection.commit()
    }
  } catch (error) {
    done.length = 0
    await failed(error, () => connection.rollback())
  } finally {
    await connection.rollback()
  }
  return { reports: done.map(({ report }) => report), hasFailed }
}

async function applied(session: Session, revision: LightRevision): Promise<Applied> {
  const { connection, recordings, actor, signal, logger } = session
  const { migration, steps, borne } = revision
  const began = performance.now()
  const entry = newEntry(migration, await recordings.of(migration), actor)
  const keeper = new AsRecorded(revision)
  const live = new LiveSteps({
    connection,
    revision: migration.id,
    signal,
    ...(logger === undefined ? {} : { logger }),
  })
  await migration.up(migrationContext(new JournaledSteps(live, keeper, false), { signal }))
  keeper.checkEnd()
  signal.throwIfAborted()
  await connection.exec(`RELEASE SAVEPOINT ${savepoint}; SAVEPOINT ${savepoint}`)
  const at = new Date()
  const durationMs = performance.now() - began
  const { id, actions = [] } = migration
  const { notes } = keeper
  return {
    report: { id, durationMs, steps: steps.length, actions, notes },
    entry: { ...entry, status: 'applied', notes, appliedAt: at, durationMs },
    event: { at, revision: id, action: 'up', actor, durationMs, detail: [...borne, ...notes].join('\n') },
  }
}

/** Lets only those steps pass that were recorded: of others nobody knows whether they are light. */
class AsRecorded implements StepKeeper {
  readonly notes: string[] = []
  #met = 0
  #isOther = false

  constructor(private readonly revision: LightRevision) {}

  step({ sql }: CourseStep, run: () => Promise<number>): Promise<number> {
    const expected = this.revision.steps[this.#met++]
    return expected?.kind === 'sql' && expected.sql === bareSql(sql) ? run() : this.#refuse()
  }

  async isDone(): Promise<boolean> {
    return this.#refuse()
  }

  async backfill(): Promise<void> {
    await this.#refuse()
  }

  note(sentence: string): void {
    this.notes.push(sentence)
  }

  /** The revision may have caught what was thrown. */
  checkEnd(): void {
    if (this.#isOther || this.#met !== this.revision.steps.length) throw this.#other()
  }

  async #refuse(): Promise<never> {
    this.#isOther = true
    throw this.#other()
  }

  #other(): DroverError {
    const { id } = this.revision.migration
    return new DroverError('CONTRACT_BROKEN', `${id} does something else than it did when it was recorded.`)
  }
}
