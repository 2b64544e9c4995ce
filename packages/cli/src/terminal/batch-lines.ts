import type { LiveRun } from '@drover/core'
import { jsonLine, type Voice } from './voice.js'

const longestCursor = 160

/** Tells each batch that becomes durable: where it ends, what it held, how long it took, and how often it was tried again. */
export function tellBatches({ events }: LiveRun, voice: Voice): void {
  const retries = new Map<string, number>()
  events.on('batch:retried', ({ partition }) => {
    retries.set(partition, (retries.get(partition) ?? 0) + 1)
  })
  events.on('batch:committed', (batch) => {
    const { partition, sequence, durationMs, bytes = 0, cursor } = batch
    const tried = retries.get(partition) ?? 0
    retries.delete(partition)
    if (voice.isJson) {
      voice.tellJson({ event: 'batch:committed', at: new Date(), ...batch, retries: tried })
      return
    }
    const { read, written, filtered, rejected } = batch.batch
    const counts = `${read} read = ${written} written + ${filtered} filtered + ${rejected} rejected`
    const again = tried === 0 ? '' : `, ${tried} ${tried === 1 ? 'retry' : 'retries'}`
    const where = jsonLine({ cursor }).slice('{"cursor":'.length, -1)
    const shown = where.length > longestCursor ? `${where.slice(0, longestCursor)}…` : where
    voice.note(
      `batch ${sequence} of ${partition}: ${counts}; ${bytes} bytes in ${Math.round(durationMs)} ms${again}; cursor ${shown}`,
    )
  })
}
