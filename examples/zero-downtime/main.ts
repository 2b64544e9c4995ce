import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createDatabase, startPostgres } from '@drover-internal/postgres-server'
import { runExample } from './run-example.js'

const { values } = parseArgs({
  options: {
    postgres: { type: 'boolean', default: false },
    rows: { type: 'string', default: '20000' },
    instances: { type: 'string', default: '2' },
    requests: { type: 'string', default: '1000' },
  },
})
const given = process.env.DATABASE_URL
const isPostgres = values.postgres || (given !== undefined && given !== '')
await using server = isPostgres && !given ? await startPostgres() : undefined
await using database = isPostgres ? await createDatabase(server?.url ?? given ?? '', 'drover_example') : undefined
const folder = await mkdtemp(path.join(tmpdir(), 'drover-zero-downtime-'))
try {
  const url = database?.url ?? path.join(folder, 'calls.db')
  const { counts, failures, wrong, slowestMs, rows } = await runExample({
    url,
    rows: Number(values.rows),
    instances: Number(values.instances),
    requests: Number(values.requests),
    say: (text) => console.log(`— ${text}`),
  })
  const { reads, changes, additions } = counts
  console.log(
    `${reads} reads, ${changes} changes and ${additions} additions were answered, the slowest after ${Math.round(slowestMs)} ms; ${failures.length} failed`,
  )
  console.log(`${rows} calls are there; ${wrong.length} have another number than was answered last`)
  for (const line of [...failures, ...wrong].slice(0, 20)) console.log(line)
  if (failures.length + wrong.length > 0) process.exitCode = 1
} finally {
  await rm(folder, { recursive: true })
}
