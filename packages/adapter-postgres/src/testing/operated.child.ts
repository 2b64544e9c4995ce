import { runOperated } from '@drover-internal/sql-tests/operated'
import { postgresSink } from '../sink/postgres-sink.js'
import { postgresStateStore } from '../state/postgres-state-store.js'

/** A run that another process operates: connection and schema. */
const [connection = '', stateSchema = ''] = process.argv.slice(2)
const state = postgresStateStore({ connection, stateSchema })
await runOperated(state, postgresSink({ connection, table: `${stateSchema}.t`, stateSchema }))
