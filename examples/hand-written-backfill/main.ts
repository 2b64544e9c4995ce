import { parseArgs } from 'node:util'
import { sqliteStateStore } from '@drover/adapter-sqlite'
import { runBackfill } from '@drover/core'
import { sampleDatabase } from '@drover-internal/agent-database'
import { MessageTokenBackfiller } from './message-token-backfiller.js'

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    folder: { type: 'string' },
    'records-per-second': { type: 'string', default: '0' },
  },
})
const filename = await sampleDatabase(values)
console.log(`Database: ${filename}`)

await using state = sqliteStateStore({ filename })
const { status, guarantee, counts, attempt } = await runBackfill({
  backfiller: new MessageTokenBackfiller(filename),
  state,
  batchSize: 500,
  recordsPerSecond: Number(values['records-per-second']),
  progress: process.stdout,
  stopOnSignals: true,
})
console.log(`${status}, ${guarantee}: ${counts.read} messages looked at, ${counts.updated} updated.`)
console.log(`This call: ${attempt.batches} batches in ${Math.round(attempt.durationMs)} ms.`)
