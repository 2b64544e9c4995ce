import { DroverError, startBackfill } from '@drover/core'
import type { MigrationBackfill } from '../contracts/backfill.js'
import type { Session } from './session.js'

/**
 * Runs a backfill of a revision to its end, or goes on with it.
 *
 * @param before The run of that name that had completed when the revision came to it; a later one that has is this one.
 * @throws `ABORTED`
 */
export async function runBackfill(
  { database, signal, logger }: Pick<Session, 'database' | 'signal' | 'logger'>,
  backfill: MigrationBackfill,
  before: string,
): Promise<void> {
  const { state } = database
  const newest = await state.load(backfill.name, { signal })
  if (newest !== null && newest.status === 'completed' && newest.run !== before) return
  const live = startBackfill({
    backfiller: database.toBackfill(backfill),
    state,
    again: 'full',
    whenHeld: 'wait',
    ...(logger === undefined ? {} : { logger }),
    ...throttling(backfill),
  })
  const stop = (): void => void live.stop('the migration was given up').catch(() => {}) // heard of below
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const { status, reason } = await live.result
    if (status === 'completed') return
    throw signal.aborted
      ? DroverError.from(signal.reason, 'the work was given up', 'ABORTED')
      : new DroverError(
          'ABORTED',
          `The backfill ${backfill.name} was stopped: ${reason ?? 'by an operator'}. Call again to go on.`,
        )
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function throttling({ batchSize, recordsPerSecond, adaptive, signals, windows }: MigrationBackfill): object {
  const given = { batchSize, recordsPerSecond, adaptive, signals, windows }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
