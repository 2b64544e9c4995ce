import {
  type Backfiller,
  type BackfillOptions,
  DroverError,
  type FlowBackfill,
  type FlowBackfillOptions,
} from '@drover/core'
import { loadExport } from './load-module.js'

/** What `startBackfill` takes. */
export type AnyBackfill = BackfillOptions<void> | FlowBackfillOptions

/**
 * The backfill that a module exports: one of an adapter (`sqliteBackfill({ … })`), one written by hand, the options of `runBackfill`, or a
 * function that gives one of these.
 *
 * @throws `OPTION_INVALID` if it is none of them; what {@link loadExport} throws.
 */
export async function loadBackfill(reference: string, folder: string): Promise<AnyBackfill> {
  const { value } = await loadExport(reference, folder)
  const made: unknown = typeof value === 'function' ? await (value as () => unknown)() : value
  if (isBackfiller(made)) return { backfiller: made } as AnyBackfill
  if (isObject(made) && isBackfiller(made.backfiller)) return made as unknown as AnyBackfill
  throw new DroverError(
    'OPTION_INVALID',
    `${reference} exports no backfill: that is what sqliteBackfill or postgresBackfill give, a backfiller of your own, or { backfiller, … } as runBackfill takes it.`,
  )
}

function isBackfiller(value: unknown): value is FlowBackfill | Backfiller {
  if (!isObject(value) || typeof value.name !== 'string') return false
  return typeof value.backfillBatch === 'function' || (isObject(value.sink) && isObject(value.source))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
