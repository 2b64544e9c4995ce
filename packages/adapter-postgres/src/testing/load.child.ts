import { setTimeout as wait } from 'node:timers/promises'
import { from, memorySource, type Row, runPipeline } from '@drover/core'
import { postgresSink } from '../sink/postgres-sink.js'

/** A process that loads a table with `indexes: 'after'`, to be killed: connection, schema, the record that it does not get past. */
const [connection = '', schema = '', last = ''] = process.argv.slice(2)

const records = Array.from({ length: 4_000 }, (_, i): Row => ({ id: i + 1, a: i % 7 }))
await runPipeline({
  name: 'load',
  source: from(memorySource({ records, key: ['id'] })).pipe(async (row) => {
    if (row.id === Number(last)) await wait(600_000)
    return row
  }),
  sink: postgresSink({
    connection,
    table: `${schema}.t`,
    stateSchema: schema,
    indexes: 'after',
    lockTimeoutMs: 60_000,
  }),
  batchSize: 2_000,
})
