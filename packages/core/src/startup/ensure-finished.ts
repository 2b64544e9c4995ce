import type { Position } from '../contracts/position.js'
import type { StateStore } from '../contracts/state-store.js'
import type { Operation } from '../contracts/values.js'
import { retrying } from '../engine/retry.js'
import { checkMethods, checkObject, invalid } from '../engine/run-options.js'
import { checkOptionNames, checkText } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import { redactSecrets } from '../errors/redact.js'

/** Options of {@link ensureFinished}. */
export interface EnsureFinishedOptions {
  /** Where the run is kept. */
  readonly state: StateStore
  readonly signal?: AbortSignal
}

const maxRetries = 8
/** Names that are looked through for one that is similar. */
const mostNames = 1_000

/**
 * The gate in front of what relies on a pipeline or a backfill: it resolves if the newest run of that name has completed. It looks, and does
 * not wait.
 *
 * @throws `DEPENDENCY_UNFINISHED` with where it stands and what to do; `OPTION_INVALID`, and what the store says.
 *
 * @example
 * await ensureFinished('message-tokens', { state: sqliteStateStore({ filename: 'app.db' }) }) // from here on token_count is never 0
 */
export async function ensureFinished(name: string, options: EnsureFinishedOptions): Promise<void> {
  const where = 'ensureFinished'
  checkText(where, 'name', name)
  checkObject(where, 'options', options)
  checkOptionNames(where, options, ['state', 'signal'])
  const { state, signal = new AbortController().signal } = options
  if (state === undefined) throw invalid(where, 'state names the store in which the run is kept')
  checkMethods(where, 'state', state, ['load', 'list'])
  const operation = { signal }
  const again = <T>(work: () => Promise<T>): Promise<T> => retrying(work, { maxRetries, signal })
  await again(async () => state.setup?.(operation))
  const found = await again(() => state.load(name, operation))
  if (found?.status === 'completed') return
  const remedy =
    'Run it to its end, by runPipeline, runBackfill or onStartup with this store, before what relies on it.'
  if (found === null) {
    const names = await again(() => namesIn(state, operation))
    throw unfinished(`${name} has never run in the state store ${state.name}${suggestNames(name, names)} ${remedy}`)
  }
  const { startedAt, lastOutcome, positions } = found
  // Both may be old: an exact sink keeps its positions elsewhere.
  const read = Math.max(readIn(positions), readIn(lastOutcome?.positions ?? []))
  const last =
    lastOutcome === undefined
      ? 'it is running, or its process is gone'
      : `its last attempt ${lastOutcome.outcome}${lastOutcome.reason === undefined ? '' : ` (${redactSecrets(lastOutcome.reason)})`}`
  throw unfinished(
    `${name} has not completed in the state store ${state.name}: it began at ${startedAt.toISOString()} and has read ${read} records or more; ${last}. ${remedy}`,
  )
}

function readIn(positions: readonly Position[]): number {
  return positions.reduce((sum, { counts }) => sum + counts.read, 0)
}

function unfinished(message: string): DroverError {
  return new DroverError('DEPENDENCY_UNFINISHED', message)
}

async function namesIn(state: StateStore, operation: Operation): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of state.list(operation)) {
    names.push(name)
    if (names.length === mostNames) break
  }
  return names
}
