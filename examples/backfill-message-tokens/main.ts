import { parseArgs } from 'node:util'
import { exampleDatabase } from '@drover-internal/agent-database'
import { messageFigures } from './figures.js'
import { backfillMessageTokens } from './message-tokens.js'

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

await backfillMessageTokens({
  database,
  log: console.log,
  recordsPerSecond: Number(values['records-per-second']),
  stopOnSignals: true,
})

for (const [name, value] of Object.entries(await messageFigures(database))) console.log(`${name}: ${value}`)
