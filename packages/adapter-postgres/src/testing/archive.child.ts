import { ndjsonSink, runBackfill } from '@drover/core'
import { postgresArchive } from '../archive/postgres-archive.js'
import { Life } from './life.js'

/** An archive that is killed after so many steps: connection, schema, file (or nothing, for a table beside), steps. */
const [connection = '', schema = '', file = '', steps = ''] = process.argv.slice(2)
const life = new Life(Number(steps), () => {
  process.kill(process.pid, 'SIGKILL')
  return new Error('it is dead')
})
const backfiller = postgresArchive({
  name: 'archive',
  connection,
  stateSchema: schema,
  table: `${schema}.messages`,
  where: 'old',
  to: file === '' ? `${schema}.old` : life.mortal(ndjsonSink({ path: file })),
  batchSize: 100,
})
// In the middle of a batch, with rows of it deleted in a transaction that is open.
const page = backfiller.source.filter(({ id }) => {
  if (file === '' && id === 950) process.kill(process.pid, 'SIGKILL')
  return true
})
await runBackfill({ backfiller: { ...backfiller, source: page, sink: life.mortal(backfiller.sink) } })
