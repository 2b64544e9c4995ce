import { runBackfill } from '@drover/core'
import { postgresBackfill } from '../backfill/postgres-backfill.js'
import { postgresUndo } from '../undo/postgres-undo.js'
import { Life } from './life.js'

/** A backfill that keeps before-images, or its undo, killed after so many steps: connection, schema, which of them, steps. */
const [connection = '', schema = '', kind = '', steps = ''] = process.argv.slice(2)
const life = new Life(Number(steps), () => {
  process.kill(process.pid, 'SIGKILL')
  return new Error('it is dead')
})
const location = { connection, stateSchema: schema, batchSize: 100 }
const backfiller =
  kind === 'undo'
    ? postgresUndo({ ...location, run: 'tokens' })
    : postgresBackfill({
        ...location,
        name: 'tokens',
        table: `${schema}.messages`,
        reads: ['content'],
        sets: ['token_count'],
        set: ({ id, content }) => {
          // In the middle of a batch, with rows of it updated in a transaction that is open.
          if (steps === '' && id === 450) process.kill(process.pid, 'SIGKILL')
          return { token_count: String(content).length }
        },
        undo: true,
      })
await runBackfill({
  backfiller: { ...backfiller, sink: steps === '' ? backfiller.sink : life.mortal(backfiller.sink) },
})
