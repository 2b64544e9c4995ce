import { parseArgs } from 'node:util'
import { createDatabase, startPostgres } from '@drover-internal/postgres-server'
import { isRight, report } from './report.js'
import { runExample } from './run-example.js'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '700000' },
    'requests-per-second': { type: 'string', default: '200' },
    seconds: { type: 'string', default: '8' },
    undisturbed: { type: 'boolean', default: false },
    'batch-size': { type: 'string' },
    'records-per-second': { type: 'string' },
    'lock-timeout-ms': { type: 'string' },
    'skip-locked': { type: 'boolean', default: false },
  },
})
const knobs = (['batch-size', 'records-per-second', 'lock-timeout-ms'] as const).flatMap((name) =>
  values[name] === undefined ? [] : [`--${name}`, values[name]],
)
if (values['skip-locked']) knobs.push('--skip-locked')

// A server of its own waits for disks, as one does whose data matters: the servers of tests do not.
const settings = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', max_wal_size: '4GB' }
await using server = process.env.DATABASE_URL ? undefined : await startPostgres({ settings })
await using database = await createDatabase(server?.url ?? process.env.DATABASE_URL ?? '', 'drover_example')
console.log(`A database of its own, ${database.name}, in ${server?.description ?? 'the server of DATABASE_URL'}`)

const outcome = await runExample({
  database,
  rows: Number(values.rows),
  requestsPerSecond: Number(values['requests-per-second']),
  seconds: Number(values.seconds),
  disturbed: !values.undisturbed,
  knobs,
  say: (text) => console.log(`— ${text}`),
})
console.log(report(outcome))
if (!isRight(outcome)) process.exitCode = 1
