import { directoryStateStore } from '@drover/core'
import { runOperated } from '@drover-internal/sql-tests/operated'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { sqliteStateStore } from '../state/sqlite-state-store.js'

/** A run that another process operates: the database, and where its state lies. */
const [filename = '', place = ''] = process.argv.slice(2)
const state = place === 'database' ? sqliteStateStore({ filename }) : directoryStateStore({ directory: place })
await runOperated(state, sqliteSink({ filename, table: 't' }))
