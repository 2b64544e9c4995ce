// A backfill of a table that an application works on, without and with signals that hold it back: what the application's own
// queries take meanwhile. npm run bench -- throttle --plot docs/throttle.svg, on a machine that does nothing else.
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { postgresBackfill, postgresHealth } from '@drover/adapter-postgres'
import { type HealthReading, type RunOptions, startBackfill } from '@drover/core'
import { createDatabase, startPostgres } from '@drover-internal/postgres-server'
import { Load, quantile } from './load.js'
import { plot, type Stretch } from './plot.js'

const { values: given } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '200' },
    idle: { type: 'string', default: '20' },
    longest: { type: 'string', default: '300' },
    plot: { type: 'string' },
    json: { type: 'string' },
  },
})
const rows = Number(given.rows)
const rate = Number(given.rate)
const idleS = Number(given.idle)
/** A machine that is busy with something else would hold it back for ever. */
const longestS = Number(given.longest)
/** Goal: what the application may notice of a throttled backfill. */
const goal = 1.5

/** It waits for disks as any server does. */
await using server = await startPostgres({
  settings: {
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    shared_buffers: '512MB',
    max_wal_size: '16GB',
    checkpoint_timeout: '1h',
  },
})
await using database = await createDatabase(server.url)
console.log(`${server.description}, ${cpus().length} processors; ${rows} orders, ${rate} queries a second`)
await database.query(`CREATE TABLE orders (
    id bigint PRIMARY KEY, customer text NOT NULL, status text NOT NULL, total numeric(10, 2) NOT NULL,
    touched integer NOT NULL DEFAULT 0, total_cents bigint)`)
await database.query(
  `INSERT INTO orders SELECT g, 'customer ' || g % 1000, 'paid', g % 10000 / 100.0 FROM generate_series(1, $1::int) g`,
  [rows],
)
await database.query('CREATE INDEX ON orders (customer)')
await database.query('VACUUM ANALYZE orders')
await database.query('CHECKPOINT')

const load = await Load.start(database.url, rate, rows)
const batches: [seconds: number, records: number][] = []
const rests: [seconds: number, ms: number][] = []
const stretches: Stretch[] = []
const told: string[] = []
const seconds = () => load.now / 1000

async function stretch<T>(
  name: string,
  isShaded: boolean,
  work: () => Promise<T>,
): Promise<{ from: number; to: number; value: T }> {
  const from = load.now
  const value = await work()
  const to = load.now
  stretches.push({ name, from: from / 1000, to: to / 1000, isShaded })
  console.log(
    `${name}: ${((to - from) / 1000).toFixed(1)} s, p50 ${load.quantile(0.5, from, to).toFixed(1)} ms, p99 ${load.quantile(0.99, from, to).toFixed(1)} ms`,
  )
  return { from, to, value }
}

async function backfill(name: string, more: Partial<RunOptions> & { readonly parallel?: number }) {
  load.ask(false)
  await database.query('UPDATE orders SET total_cents = NULL WHERE total_cents IS NOT NULL')
  await database.query('VACUUM orders')
  await database.query('CHECKPOINT')
  load.ask(true)
  await sleep(5_000)
  return stretch(name, true, async () => {
    const backfiller = postgresBackfill({
      name,
      connection: database.url,
      table: 'orders',
      where: { total_cents: { isNull: true } },
      sets: ['total_cents'],
      set: { total_cents: '(total * 100)::bigint' },
    })
    const live = startBackfill({
      backfiller,
      stopAfter: { deadline: new Date(Date.now() + longestS * 1000) },
      ...more,
    })
    live.events.on('batch:committed', ({ batch }) => batches.push([seconds(), batch.read]))
    live.events.on('run:throttled', ({ throttle }) =>
      told.push(`${seconds().toFixed(1)} s: ${throttle?.reason ?? 'no rest'}`),
    )
    const looking = setInterval(() => rests.push([seconds(), live.status()?.throttle?.restMs ?? 0]), 500)
    try {
      const report = await live.result
      console.log(`  ${report.status}, ${report.counts.written} rows in ${report.attempt.batches} batches`)
    } finally {
      clearInterval(looking)
      rests.push([seconds(), 0])
    }
  })
}

const idle: number[] = []
async function idling(): Promise<void> {
  const { from, to } = await stretch('idle', false, () => sleep(idleS * 1000))
  idle.push(...load.times(from, to))
}

await sleep(5_000)
await idling()
const free = await backfill('unthrottled', { parallel: 4 })
await idling()
/** Of so few queries as are made in some seconds, one in twenty is surer than one in a hundred. */
const limit = quantile(idle, 0.95) * 1.4

/** What the application measures itself, and would send to its own monitoring. */
function slowQueries(): HealthReading {
  const p95 = load.quantile(0.95, load.now - 3_000)
  return { load: p95 / limit, reason: `p95 of the application ${p95.toFixed(1)} ms of ${limit.toFixed(1)} ms` }
}

const held = await backfill('throttled', {
  parallel: 4,
  adaptive: { targetBatchMs: 25, maxBatchSize: 10_000 },
  batchSize: 1_000,
  signals: [slowQueries, ...postgresHealth({ connection: database.url, lockWaits: 4, activeTransactions: 12 })],
})
await idling()
await load[Symbol.asyncDispose]()

const p99 = {
  idle: quantile(idle, 0.99),
  unthrottled: load.quantile(0.99, free.from, free.to),
  throttled: load.quantile(0.99, held.from, held.to),
}
const result = {
  processors: cpus().length,
  rows,
  queriesPerSecond: rate,
  p99,
  unthrottledS: (free.to - free.from) / 1000,
  throttledS: (held.to - held.from) / 1000,
  ratio: { unthrottled: p99.unthrottled / p99.idle, throttled: p99.throttled / p99.idle },
  goal,
}
for (const line of told) console.log(`  ${line}`)
console.log(JSON.stringify(result, null, 2))
console.log(
  `throttled p99 is ${result.ratio.throttled.toFixed(2)} of idle: goal ${goal} ${result.ratio.throttled <= goal ? 'met' : 'missed'}`,
)
if (given.json !== undefined) await writeFile(given.json, `${JSON.stringify(result, null, 2)}\n`)
if (given.plot !== undefined) await writeFile(given.plot, picture())

function picture(): string {
  const all = Math.floor(seconds())
  const bySecond = Array.from({ length: all }, (_, second) => {
    const times = load.times(second * 1000, (second + 1) * 1000)
    return [second + 0.5, times.length === 0 ? null : quantile(times, 0.99)] as const
  })
  const isWorking = (second: number) =>
    stretches.some(({ from, to, isShaded }) => isShaded && second >= from - 1 && second <= to + 1)
  const within = (points: readonly (readonly [number, number])[]) =>
    points.flatMap<readonly [number, number | null]>((point, i) => {
      const next = points[i + 1]
      return next !== undefined && next[0] - point[0] > 15 && !isWorking((point[0] + next[0]) / 2)
        ? [point, [point[0], null]]
        : [point]
    })
  const worst = Math.max(...bySecond.map(([, ms]) => ms ?? 0))
  return plot(
    `A backfill of ${rows.toLocaleString('en')} rows under an application’s ${rate} queries a second`,
    stretches,
    [
      {
        title: 'p99 of the application’s queries, by second, in milliseconds',
        lines: [{ name: 'p99', color: '#c0392b', points: bySecond }],
        marks: [
          { name: `idle ${p99.idle.toFixed(1)} ms`, y: p99.idle },
          { name: `goal ${(p99.idle * goal).toFixed(1)} ms`, y: p99.idle * goal },
        ],
        most: Math.min(worst, p99.idle * 6),
      },
      { title: 'rows in a batch', lines: [{ name: 'rows', color: '#2c6fbb', points: within(batches) }] },
      {
        title: 'rest between two batches, in milliseconds',
        lines: [{ name: 'rest', color: '#27864a', points: within(rests) }],
      },
    ],
  )
}
