import { parseArgs } from 'node:util'
import { backfillMessageTokens } from '@drover-examples/backfill-message-tokens'
import { exampleDatabase } from '@drover-internal/agent-database'
import { backfillContextFields } from './context-fields.js'
import { callFigures } from './figures.js'

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    postgres: { type: 'boolean', default: false },
    folder: { type: 'string' },
    'records-per-second': { type: 'string', default: '0' },
  },
})
await using example = await exampleDatabase(values)
const { database } = example
console.log(`Database: ${example.description}`)

// The sample has no token counts yet. In a database of your own, this backfill says so if they are missing.
if (example.isSample) await backfillMessageTokens({ database, log: console.log })
await backfillContextFields({
  database,
  log: console.log,
  recordsPerSecond: Number(values['records-per-second']),
  stopOnSignals: true,
})

for (const [name, value] of Object.entries(await callFigures(database))) console.log(`${name}: ${value}`)
