import { setTimeout as wait } from 'node:timers/promises'
import { DroverError, type ErrorCode, ensureFinished } from '@drover/core'
import type { Migration } from '../contracts/migration.js'
import { LiveSteps } from '../steps/live-steps.js'
import { migrationContext } from '../steps/migration-context.js'
import { type Watch, watch } from './checks.js'
import { Course, shownSql } from './course.js'
import { foreignKeysFor } from './foreign-keys-for.js'
import { JournaledSteps } from './journaled-steps.js'
import type { Session } from './session.js'

/** What became of one revision. */
export interface RevisionReport {
  readonly id: string
  readonly durationMs: number
  readonly steps: number
  readonly actions: readonly string[]
  readonly notes: readonly string[]
}

/** A lock that is not to be had so often is held by somebody who does not let go. */
const mostAttempts = 12
const longestPauseMs = 5_000

/**
 * Applies a revision, or takes it back. Null if somebody else has.
 *
 * @throws `MIGRATION_FAILED`, `MIGRATION_INTERRUPTED`, `CONDITION_FAILED`, `FENCED`, `IRREVERSIBLE`
 */
export async function runRevision(
  session: Session,
  migration: Migration,
  direction: 'up' | 'down',
  borne: readonly string[],
): Promise<RevisionReport | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptRevision(session, migration, direction, borne)
    } catch (error) {
      // A connection that has broken off does not come back.
      const isWaiting =
        DroverError.isInstance(error) &&
        error.isRetryable &&
        error.code !== 'STORE_UNAVAILABLE' &&
        attempt < mostAttempts
      if (!isWaiting || session.signal.aborted) throw error
      const pauseMs = Math.random() * Math.min(longestPauseMs, 50 * 2 ** attempt)
      session.logger?.warn(`${migration.id}: ${error.message} It is tried again.`)
      await wait(pauseMs, undefined, { signal: session.signal }).catch(() => {
        throw DroverError.from(session.signal.reason, 'the work was given up', 'ABORTED')
      })
    }
  }
}

async function attemptRevision(
  session: Session,
  migration: Migration,
  direction: 'up' | 'down',
  borne: readonly string[],
): Promise<RevisionReport | null> {
  const { recordings, connection, logger } = session
  const body = direction === 'up' ? migration.up : wayBack(migration)
  const { steps } = await recordings.of(migration, direction)
  const foreignKeys = await foreignKeysFor(steps, connection)
  const course = new Course(session, {
    migration,
    direction,
    recording: await recordings.of(migration),
    recorded: steps,
    foreignKeys,
    borne,
  })
  try {
    await course.begin()
    if (course.isOver) return null
    const watched = await watch({ migration, direction, steps, connection, foreignKeys, signal: session.signal })
    if (course.isResumed) logger?.info(`${migration.id}: goes on where it was interrupted`)
    else await checkBeginning(session, migration, direction, watched)
    if (!(course.isResumed && course.mayBeDone && (await watched.holds()))) {
      const live = new LiveSteps({
        connection,
        foreignKeys,
        transaction: migration.transaction ?? 'one',
        revision: migration.id,
        signal: session.signal,
        ...(logger === undefined ? {} : { logger }),
      })
      const journaled = new JournaledSteps(live, course, migration.idempotent === true)
      await body(migrationContext(journaled, { signal: session.signal }))
      await watched.afterwards(course.executed)
    }
    await course.finish()
    const { met, durationMs, notes } = course
    return { id: migration.id, durationMs, steps: met, actions: migration.actions ?? [], notes }
  } catch (error) {
    await connection.rollback()
    const failure = failureOf(error, course, migration, direction)
    if (!failure.isRetryable && !session.signal.aborted && failure.code !== 'FENCED')
      await course.fail(failure, wasRefused(error))
    throw failure
  }
}

async function checkBeginning(session: Session, migration: Migration, direction: 'up' | 'down', watched: Watch) {
  if (direction === 'down') return
  const { database, signal } = session
  for (const name of migration.requires ?? []) await ensureFinished(name, { state: database.state, signal })
  await watched.preconditions()
}

/** @throws `IRREVERSIBLE` */
export function wayBack({ id, down }: Migration): Extract<Migration['down'], (...parameters: never[]) => unknown> {
  if (typeof down === 'function') return down
  const why = down === undefined ? 'it has no down' : down.irreversible
  throw new DroverError(
    'IRREVERSIBLE',
    `${id} cannot be taken back: ${why}. Restore a backup that is older, or write a revision that goes forward.`,
  )
}

/** What says by itself what has to be done. */
const speaking: readonly ErrorCode[] = [
  'ABORTED',
  'CONDITION_FAILED',
  'DEPENDENCY_UNFINISHED',
  'FENCED',
  'FOREIGN_KEY_BROKEN',
  'IRREVERSIBLE',
  'LEASE_LOST',
  'LOSS_REFUSED',
  'MIGRATION_INTERRUPTED',
  'REVISION_EDITED',
  'STORE_UNAVAILABLE',
  'UNSAFE_REFUSED',
]

function failureOf(error: unknown, course: Course, migration: Migration, direction: 'up' | 'down'): DroverError {
  if (DroverError.isInstance(error, ...speaking)) return error
  const { message, isRetryable } = DroverError.from(error, 'it failed')
  const why = `${message.replace(/\.$/, '')}${dependents(error)}`
  const at =
    course.met === 0 ? 'before its first step' : `at its step ${course.met} or behind it (${shownSql(course.lastSql)})`
  const stays = course.hasCommitted
    ? 'What it had committed before stays, and is passed over when it is called again: mend it and call again'
    : 'Nothing of it stays'
  const code: ErrorCode = DroverError.isInstance(error, 'STORE_BUSY') ? 'STORE_BUSY' : 'MIGRATION_FAILED'
  return new DroverError(code, `${migration.id} failed on its way ${direction} ${at}: ${why}. ${stays}.`, {
    cause: error,
    isRetryable,
  })
}

/** What PostgreSQL says beside "other objects depend on it" (2BP01): which ones, and nothing of anybody's rows. */
function dependents(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, detail } = at as { readonly code?: unknown; readonly detail?: unknown }
    if (code === '2BP01' && typeof detail === 'string') return ` (${detail.replaceAll('\n', ', ')})`
  }
  return ''
}

/** The database has said no: then the statement has left nothing. Of a connection that broke off nobody knows. */
function wasRefused(error: unknown): boolean {
  return !DroverError.isInstance(error, 'STORE_UNAVAILABLE', 'ABORTED', 'LEASE_LOST', 'FENCED', 'MIGRATION_INTERRUPTED')
}
