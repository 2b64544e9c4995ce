import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createDatabase, startPostgres } from '@drover-internal/postgres-server'
import { startApplication } from './application.js'
import { makeMessages } from './messages-table.js'
import { tour } from './tour.js'

const { values } = parseArgs({ options: { rows: { type: 'string', default: '50000' } } })
await using server = process.env.DATABASE_URL ? undefined : await startPostgres()
await using database = await createDatabase(server?.url ?? process.env.DATABASE_URL ?? '', 'drover_example')
const deadLetters = await mkdtemp(path.join(tmpdir(), 'drover-operate-'))
try {
  await makeMessages(database, Number(values.rows))
  const release = { isMended: false }
  await using application = await startApplication({ connection: database.url, deadLetters, release })
  console.log(`The application listens at ${application.url}`)
  await tour({
    url: application.url,
    mend: () => {
      release.isMended = true
    },
    say: (text) => console.log(`\n${text}`),
  })
} finally {
  await rm(deadLetters, { recursive: true })
}
