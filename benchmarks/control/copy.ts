// A copy that goes on for long, and says of each batch when it was durable: node copy.ts <store> <options as JSON>
import { writeSync } from 'node:fs'
import { postgresSink, postgresStateStore } from '@drover/adapter-postgres'
import { sqliteSink, sqliteSource, sqliteStateStore } from '@drover/adapter-sqlite'
import { directoryStateStore, type Row, type Sink, type StateStore, startPipeline } from '@drover/core'

export interface CopyOptions {
  readonly database: string
  /** Where it goes: a file or a connection. */
  readonly target: string
  readonly directory: string
  readonly recordsPerSecond: number
}

const stores: Readonly<
  Record<string, (options: CopyOptions) => { readonly sink: Sink<Row>; readonly state: StateStore }>
> = {
  sqlite: ({ target: filename }) => ({
    sink: sqliteSink({ filename, table: 'numbers' }),
    state: sqliteStateStore({ filename }),
  }),
  directory: ({ target: filename, directory }) => ({
    sink: sqliteSink({ filename, table: 'numbers' }),
    state: directoryStateStore({ directory }),
  }),
  postgres: ({ target: connection }) => ({
    sink: postgresSink({ connection, table: 'numbers' }),
    state: postgresStateStore({ connection }),
  }),
}

const [store = '', text = '{}'] = process.argv.slice(2)
const options = JSON.parse(text) as CopyOptions
const made = stores[store]?.(options)
if (made === undefined) throw new Error(`There is no store ${store}.`)
await using state = made.state
const live = startPipeline({
  name: 'control',
  source: sqliteSource({ filename: options.database, table: 'numbers' }),
  sink: made.sink,
  state,
  recordsPerSecond: options.recordsPerSecond,
})
live.events.on('batch:committed', ({ durationMs }) => {
  writeSync(1, `${JSON.stringify({ at: Date.now(), durationMs })}\n`)
})
await live.result
