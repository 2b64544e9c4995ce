// One instance of the application: DATABASE_URL, PORT, and what it says on standard output, a line of JSON each.
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { postgresStateStore } from '@drover/adapter-postgres'
import { backfillTask, ensureFinished, onStartup } from '@drover/core'
import pg from 'pg'
import { drain, watchRequests } from './drain.js'
import { messageTokens, messageTokensName } from './message-tokens.js'
import { routes } from './routes.js'

const { values } = parseArgs({
  options: {
    release: { type: 'string', default: '2' },
    'batch-size': { type: 'string' },
    'records-per-second': { type: 'string', default: '0' },
    'lock-timeout-ms': { type: 'string' },
    'skip-locked': { type: 'boolean', default: false },
  },
})
const connection = process.env.DATABASE_URL ?? ''
const release = values.release === '1' ? 1 : 2
const say = (what: object): void => void writeSync(1, `${JSON.stringify(what)}\n`)

await using state = postgresStateStore({ connection })
let isFinished = false
const tokensAreThere = async (): Promise<void> => {
  if (!isFinished) await ensureFinished(messageTokensName, { state })
  isFinished = true
}

// A pool for requests alone: the backfill brings its own connections.
const pool = new pg.Pool({ connectionString: connection, max: 10 })
const server = createServer(routes({ pool, release, tokensAreThere }))
// Longer than those in front of it keep a connection: else it may be closed here while a request is on its way.
server.keepAliveTimeout = 60_000
watchRequests(server)
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
await once(server, 'listening')
const ended = once(process, 'SIGTERM')
say({ listening: server.address() })

// Not awaited: requests are served from here on, whoever does the work.
const starting = release === 1 ? undefined : start()

await ended
await drain(server)
await starting
await pool.end()
say({ drained: true })

async function start(): Promise<void> {
  let hasBegun = false
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const onRow = (): void => {
    if (!hasBegun) say({ working: true })
    hasBegun = true
  }
  const knobs = {
    ...(values['batch-size'] === undefined ? {} : { batchSize: Number(values['batch-size']) }),
    ...(values['lock-timeout-ms'] === undefined ? {} : { lockTimeoutMs: Number(values['lock-timeout-ms']) }),
    skipLocked: values['skip-locked'],
  }
  const { finished, tasks } = await onStartup({
    state,
    tasks: [
      backfillTask({
        backfiller: messageTokens(connection, knobs, onRow),
        recordsPerSecond: Number(values['records-per-second']),
      }),
    ],
    whenHeld: 'wait',
    drainOn: ['SIGTERM'],
    logger: { debug() {}, info() {}, warn: (text) => say({ warn: text }), error: (text) => say({ error: text }) },
  })
  const [task] = tasks
  const loopMs = { p50: loop.percentile(50) / 1e6, p99: loop.percentile(99) / 1e6, max: loop.max / 1e6 }
  say({ finished, status: task?.status, reason: task?.reason, worked: task?.worked, loopMs })
}
