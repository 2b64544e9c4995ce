import { parseArgs } from 'node:util'
import { backfillMessageTokens } from '@drover-examples/backfill-message-tokens'
import { sampleDatabase } from '@drover-internal/agent-database'
import { backfillContextFields } from './context-fields.js'
import { callFigures } from './figures.js'

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    folder: { type: 'string' },
    'records-per-second': { type: 'string', default: '0' },
  },
})
const filename = await sampleDatabase(values)
console.log(`Database: ${filename}`)

// The sample has no token counts yet. In a database of your own, this backfill says so if they are missing.
if (values.database === undefined) await backfillMessageTokens({ filename, log: console.log })
await backfillContextFields({
  filename,
  log: console.log,
  recordsPerSecond: Number(values['records-per-second']),
  stopOnSignals: true,
})

for (const [name, value] of Object.entries(await callFigures(filename))) console.log(`${name}: ${value}`)
