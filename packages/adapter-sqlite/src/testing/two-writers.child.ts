import { memorySource, runPipeline } from '@drover/core'
import type { SqliteDriver } from '../connection/sqlite-connection.js'
import { sqliteSink } from '../sink/sqlite-sink.js'

/** One of several processes that write to the same table, each with a run of its own: file, driver, name, count. */
const [filename = '', driver = '', name = '', count = '0'] = process.argv.slice(2)
const records = Array.from({ length: Number(count) }, (_, i) => ({ id: `${name} ${i}`, n: i }))
const report = await runPipeline({
  name,
  source: memorySource({ records, key: 'id' }),
  sink: sqliteSink({ filename, driver: driver as SqliteDriver, table: 't' }),
  batchSize: 20,
})
process.stdout.write(JSON.stringify(report.counts))
