import type { SchemaConnection } from '../contracts/database.js'

export interface Timing {
  readonly medianMs: number
  readonly minMs: number
  readonly runs: number
}

const fewestRuns = 5
const mostRuns = 25
/** After that long, the fewest runs are enough; after ten times that, one is. */
const enoughMs = 200

/** Runs a query several times, behind one run that fills the caches. */
export async function measureQuery(connection: SchemaConnection, sql: string): Promise<Timing> {
  await connection.query(sql)
  const times: number[] = []
  for (let total = 0; times.length < mostRuns; ) {
    const began = performance.now()
    await connection.query(sql)
    const took = performance.now() - began
    times.push(took)
    total += took
    if (total > enoughMs * 10 || (times.length >= fewestRuns && total > enoughMs)) break
  }
  times.sort((a, b) => a - b)
  return { medianMs: rounded(times[times.length >> 1]), minMs: rounded(times[0]), runs: times.length }
}

function rounded(ms = 0): number {
  return Math.round(ms * 1000) / 1000
}
