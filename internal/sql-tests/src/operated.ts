import { writeSync } from 'node:fs'
import { DroverError, from, memorySource, type Row, type Sink, type StateStore, startPipeline } from '@drover/core'

/** What a run that is operated from elsewhere says, a line each. */
export interface OperatedSaid {
  /** A batch is durable: its records, and when, in milliseconds since 1970. */
  readonly batch?: number
  readonly at?: number
  readonly event?: string
  readonly report?: { readonly status: string; readonly reason?: string; readonly read: number }
  readonly error?: string
}

/** Long enough that it does not end before it has been operated. */
export const operatedRows = 20_000
export const operatedLeaseMs = 900

/** A slow run that somebody else operates: the program of a process of its own. */
export async function runOperated(state: StateStore, sink: Sink<Row>): Promise<void> {
  await using closing = state
  const records = Array.from({ length: operatedRows }, (_, i) => ({ id: i + 1, a: `row ${i + 1}` }))
  const live = startPipeline({
    name: 'copy',
    source: from(memorySource<Row>({ records, key: 'id', partitions: 4 })),
    sink,
    state: closing,
    parallel: 2,
    batchSize: 20,
    recordsPerSecond: 1_000,
    leaseMs: operatedLeaseMs,
    stopOnSignals: true,
  })
  live.events.on('batch:committed', ({ batch }) => say({ batch: batch.read, at: Date.now() }))
  for (const event of ['run:started', 'run:paused', 'run:resumed'] as const)
    live.events.on(event, () => say({ event, at: Date.now() }))
  try {
    const { status, reason, counts } = await live.result
    say({ report: { status, read: counts.read, ...(reason === undefined ? {} : { reason }) } })
  } catch (error) {
    say({ error: DroverError.isInstance(error) ? `${error.code}: ${error.message}` : String(error) })
  }
}

/** At once: nothing said is lost with the process. */
function say(what: OperatedSaid): void {
  writeSync(1, `${JSON.stringify(what)}\n`)
}
