import path from 'node:path'
import { parseArgs } from 'node:util'
import { formatReport } from '@drover/core'
import { sampleDatabase } from '@drover-internal/agent-database'
import { guessingService } from './guessing-service.js'
import { messagesWithLanguage } from './messages-with-language.js'

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    folder: { type: 'string' },
    'records-per-second': { type: 'string', default: '0' },
  },
})
const filename = await sampleDatabase(values)
const output = path.join(values.folder ?? path.dirname(filename), 'messages.ndjson')

const report = await messagesWithLanguage({
  filename,
  output,
  service: guessingService,
  recordsPerSecond: Number(values['records-per-second']),
  progress: process.stdout,
})
console.log(`${formatReport(report)}\nDatabase: ${filename}\nOutput:   ${output}`)
