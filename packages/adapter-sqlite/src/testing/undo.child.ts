import { startBackfill } from '@drover/core'
import { sqliteBackfill } from '../backfill/sqlite-backfill.js'
import type { SqliteDriver } from '../connection/sqlite-connection.js'
import { sqliteUndo } from '../undo/sqlite-undo.js'

/** A backfill that keeps before-images, or its undo, killed behind four batches: file, driver, which of them. */
const [filename = '', driver = '', kind = ''] = process.argv.slice(2)
const location = { filename, driver: driver as SqliteDriver, batchSize: 100 }
const backfiller =
  kind === 'undo'
    ? sqliteUndo({ ...location, run: 'tokens' })
    : sqliteBackfill({
        ...location,
        name: 'tokens',
        table: 'messages',
        reads: ['content'],
        sets: ['token_count'],
        set: ({ content }) => ({ token_count: String(content).length }),
        undo: true,
      })
const live = startBackfill({ backfiller })
live.events.on('batch:committed', ({ sequence }) => {
  if (sequence === 4) process.kill(process.pid, 'SIGKILL')
})
await live.result
