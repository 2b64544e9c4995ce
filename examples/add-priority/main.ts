import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createDatabase, startPostgres } from '@drover-internal/postgres-server'
import { walkthrough } from './walkthrough.js'

const { values } = parseArgs({ options: { postgres: { type: 'boolean', default: false } } })
const given = process.env.DATABASE_URL
const isPostgres = values.postgres || (given !== undefined && given !== '')
await using server = isPostgres && !given ? await startPostgres() : undefined
await using database = isPostgres ? await createDatabase(server?.url ?? given ?? '', 'drover_example') : undefined
const folder = await mkdtemp(path.join(tmpdir(), 'drover-add-priority-'))
try {
  const { rows } = await walkthrough(database?.url ?? path.join(folder, 'calls.db'), console.log)
  console.table(rows)
} finally {
  await rm(folder, { recursive: true })
}
