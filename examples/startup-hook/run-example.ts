import { setTimeout as wait } from 'node:timers/promises'
import { postgresStateStore } from '@drover/adapter-postgres'
import type { StateStore } from '@drover/core'
import type { Database } from '@drover-internal/postgres-server'
import { AnswerError, ask } from './ask.js'
import { Fleet } from './fleet.js'
import type { Instance } from './instance.js'
import type { Line } from './latencies.js'
import type { Ledger } from './ledger.js'
import { Load } from './load.js'
import { messageTokensName } from './message-tokens.js'
import { checkMessages, makeMessages, type Outcome } from './messages-table.js'

export interface ExampleOptions {
  /** An empty one. */
  readonly database: Database
  readonly rows: number
  readonly requestsPerSecond: number
  /** How long latencies are measured before and after the backfill. */
  readonly seconds: number
  /** How long a release runs before its latencies count: by then its code is compiled and its connections are made. @default 1000 */
  readonly warmUpMs?: number
  /** Kill the instance that works at a third, and end the next one in good order at two thirds. */
  readonly disturbed: boolean
  /** Parameters of `application.ts`. */
  readonly knobs: readonly string[]
  /** What Node takes to run it. @default its source, by way of tsx */
  readonly application?: readonly string[]
  readonly say: (text: string) => void
}

export interface ExampleOutcome extends Outcome {
  readonly latencies: readonly Line[]
  readonly backfillMs: number
  readonly writes: Ledger['counts']
  /** Answers that should not have been. */
  readonly failures: readonly string[]
  /** Status of the route that needs all counts, while the backfill runs and afterwards. */
  readonly gate: readonly [during: number, after: number]
  /** Every process that was started. */
  readonly instances: readonly Instance[]
}

/** A release that backfills at its start takes the place of one that knows nothing of it, under load. */
export async function runExample(options: ExampleOptions): Promise<ExampleOutcome> {
  const { database, rows, requestsPerSecond, seconds, warmUpMs = 1_000, say } = options
  say(`Making ${rows.toLocaleString('en-US')} messages`)
  await makeMessages(database, rows)
  await using state = postgresStateStore({ connection: database.url })
  await using fleet = new Fleet(database.url, options.application)
  const load = new Load({ requestsPerSecond, rows })

  say('Release 1, three instances: it knows nothing of token counts')
  load.inService = await fleet.start(3, ['--release', '1'])
  load.start()
  await wait(warmUpMs)
  load.phase = 'before'
  await wait(seconds * 1000)
  await retire(load, load.inService)

  say('Release 2, three instances at once: it backfills at its start')
  const knobs = ['--release', '2', ...options.knobs]
  load.phase = undefined
  load.inService = await fleet.start(3, knobs)
  const begun = performance.now()
  const first = await fleet.worker(load.inService)
  if (first === undefined) throw new Error('The backfill of a fresh table was found to be done.')
  say(`${first.name} backfills`)
  const during = await statusOf(first)
  await wait(warmUpMs)
  load.phase = 'during'
  if (options.disturbed) {
    const replacing = { state, fleet, load, knobs, warmUpMs, say }
    const second = await replace(first, 'SIGKILL', rows / 3, replacing)
    if (second !== undefined) await replace(second, 'SIGTERM', (rows * 2) / 3, replacing)
  }
  await fleet.ready()
  await Promise.all(load.inService.map((instance) => instance.hear(({ finished }) => finished === true)))
  const backfillMs = performance.now() - begun
  say(`Finished after ${(backfillMs / 1000).toFixed(1)} s; the instances serve on`)
  load.phase = 'after'
  await wait(seconds * 1000)
  load.phase = undefined
  const after = await statusOf(load.inService[0] as Instance)
  await retire(load, load.inService)
  await load.stop()
  return {
    ...(await checkMessages(database, rows, load.ledger)),
    latencies: load.latencies.lines(),
    backfillMs,
    writes: load.ledger.counts,
    failures: load.failures,
    gate: [during, after],
    instances: fleet.instances,
  }
}

interface Replacing {
  readonly state: StateStore
  readonly fleet: Fleet
  readonly load: Load
  readonly knobs: readonly string[]
  readonly warmUpMs: number
  readonly say: (text: string) => void
}

/**
 * Ends the instance that works once so many rows are done. Gives the one that goes on, as soon as it does; meanwhile a new one is
 * started in the place of the first. Undefined if the backfill came to its end before.
 */
async function replace(
  worker: Instance,
  signal: 'SIGKILL' | 'SIGTERM',
  rows: number,
  within: Replacing,
): Promise<Instance | undefined> {
  const { state, fleet, load, knobs, warmUpMs, say } = within
  if (!(await reached(state, rows))) return undefined
  const others = load.inService.filter((instance) => instance !== worker)
  const phase = signal === 'SIGKILL' ? 'killed, taken over' : 'drained, taken over'
  load.phase = phase
  const at = performance.now()
  if (signal === 'SIGTERM') await retire(load, [worker])
  else worker.kill('SIGKILL')
  load.inService = load.inService.filter((instance) => instance !== worker)
  const exit = await worker.ended
  const next = await fleet.worker(others)
  const took = Math.round(performance.now() - at)
  say(
    `${worker.name} got ${signal} and ended with ${exit}; ${next?.name ?? 'nobody'} goes on, ${took} ms after the signal`,
  )
  fleet.startBeside(knobs, async (fresh) => {
    load.inService = [...load.inService, fresh]
    await wait(warmUpMs)
    if (load.phase === phase) load.phase = 'during'
  })
  return next
}

/** Whether the backfill is so far, and not at its end. */
async function reached(state: StateStore, rows: number): Promise<boolean> {
  const operation = { signal: new AbortController().signal }
  for (;;) {
    const run = await state.load(messageTokensName, operation)
    if (run?.status === 'completed') return false
    if ((run?.positions ?? []).reduce((sum, { counts }) => sum + counts.read, 0) >= rows) return true
    await wait(50)
  }
}

/** Takes instances out of service, lets them answer what they were asked, and ends them in good order. */
async function retire(load: Load, instances: readonly Instance[]): Promise<void> {
  load.inService = load.inService.filter((instance) => !instances.includes(instance))
  for (const instance of instances) await load.answered(instance)
  for (const instance of instances) instance.kill('SIGTERM')
  await Promise.all(instances.map(({ ended }) => ended))
}

async function statusOf({ port }: Instance): Promise<number> {
  try {
    await ask(port, { path: '/calls/7/tokens' })
    return 200
  } catch (error) {
    if (error instanceof AnswerError) return error.status
    throw error
  }
}
