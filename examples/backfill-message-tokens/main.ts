import { parseArgs } from 'node:util'
import { sampleDatabase } from '@drover-internal/agent-database'
import { messageFigures } from './figures.js'
import { backfillMessageTokens } from './message-tokens.js'

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    folder: { type: 'string' },
    'records-per-second': { type: 'string', default: '0' },
  },
})
const filename = await sampleDatabase(values)
console.log(`Database: ${filename}`)

await backfillMessageTokens({
  filename,
  log: console.log,
  recordsPerSecond: Number(values['records-per-second']),
  stopOnSignals: true,
})

for (const [name, value] of Object.entries(await messageFigures(filename))) console.log(`${name}: ${value}`)
