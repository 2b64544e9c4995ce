import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { formatReport } from '@drover/core'
import { createDatabase, startPostgres } from '@drover-internal/postgres-server'
import { tokensByDay } from './ask-duckdb.js'
import { exportMessages } from './export-messages.js'
import { makeTable, writeMessages, writeNow } from './messages-table.js'

const { values } = parseArgs({
  options: { folder: { type: 'string' }, 'messages-a-day': { type: 'string', default: '20000' } },
})
const perDay = Number(values['messages-a-day'])
const folder = path.join(values.folder ?? (await mkdtemp(path.join(tmpdir(), 'drover-nightly-'))), 'messages')

await using server = process.env.DATABASE_URL ? undefined : await startPostgres()
await using database = await createDatabase(server?.url ?? process.env.DATABASE_URL ?? '', 'drover_example')
const job = { connection: database.url, folder }

await makeTable(database)
for (const day of ['2026-01-01', '2026-01-02', '2026-01-03']) await writeMessages(database, day, perDay)
await writeNow(database)
console.log(`— the first night\n${formatReport(await exportMessages(job))}\n`)

await writeMessages(database, '2026-01-04', perDay)
console.log(`— the second night\n${formatReport(await exportMessages(job))}\n`)

console.log('— asked by DuckDB')
console.table(await tokensByDay(folder))
console.log(`The data set: ${folder}`)
