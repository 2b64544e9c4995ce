import type { LiveRun } from '@drover/core'

/** Says what a backfill does in the lines of the document; `(batch N, after id K)` stands where it has an offset. */
export function logLines(live: LiveRun, records: string, log: (line: string) => void): void {
  let total = 0
  live.events.on('run:started', (started) => {
    total = started.total ?? 0
    const before = live.status()?.counts.read ?? 0
    log(`INFO: Found ${total} ${records} to backfill${before > 0 ? `, ${before} of them done before` : ''}`)
  })
  live.events.on('batch:committed', ({ batch, sequence, after }) => {
    if (batch.read === 0) return
    const read = live.status()?.counts.read ?? 0
    // More may have been written since they were counted.
    total = Math.max(total, read)
    log(`INFO: Updated ${batch.updated} ${records} (batch ${sequence}, after id ${keyOf(after)})`)
    log(`INFO: Progress: ${read}/${total} (${((read / total) * 100).toFixed(1)}%)`)
  })
  live.events.on('run:finished', ({ status, reason, counts }) => {
    if (status === 'completed') log(`INFO: Backfill complete! Updated ${counts.updated} ${records}`)
    else log(`INFO: Stopped, ${reason}; ${counts.updated} ${records} are updated, the same call goes on from here`)
  })
}

/** The cursor of a table with one key column holds that key. */
function keyOf(cursor: unknown): string {
  return Array.isArray(cursor) ? String(cursor[0]) : '0'
}
