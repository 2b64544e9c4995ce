import { postgresDatabase } from '@drover/adapter-postgres'
import { sqliteDatabase } from '@drover/adapter-sqlite'
import { startDatabaseCopy } from '@drover/core'

/** A copy that is killed when so many batches are committed: file, connection, schema, batches. */
const [filename = '', connection = '', schema = '', batches = ''] = process.argv.slice(2)
let left = Number(batches)
const live = startDatabaseCopy({
  name: 'copy',
  from: sqliteDatabase({ filename }),
  to: postgresDatabase({ connection, schema, stateSchema: schema }),
  batchSize: 50,
})
live.events.on('batch:committed', () => {
  left--
  if (left === 0) process.kill(process.pid, 'SIGKILL')
})
await live.result
