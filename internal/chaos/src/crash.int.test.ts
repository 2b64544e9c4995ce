import { type CrashOptions, type CrashReport, crashHarness } from '@drover/conformance/crash'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { beforeAll, expect, test } from 'vitest'
import { buildWorker } from './build-worker.js'
import { backfills } from './pairs/backfills.js'
import { pipelines } from './pairs/pipelines.js'
import { reportLine } from './report-line.js'

// Another seed every time; a failure says which one it was: DROVER_SEED=… runs it again.
const seed = Number(process.env.DROVER_SEED ?? Math.floor(Math.random() * 2 ** 31))
const timeout = 180_000
let worker: URL

beforeAll(async () => {
  console.log(`crash tests: DROVER_SEED=${seed}`)
  worker = await buildWorker('sources')
}, 60_000)

// Fifty kills of every kind: sinks in a database, in files, by a function, and backfills.
const kills = { 'sqlite-function': 50 } as Readonly<Record<string, number>>

test.concurrent.each(Object.keys({ ...pipelines, ...backfills }))('%s survives kills', { timeout }, async (pair) => {
  await survives(pair, kills[pair] ?? 25)
})

test.concurrent.each(['sqlite-sqlite', 'sqlite-ndjson'])(
  '%s survives processes that work on it at once',
  { timeout },
  async (pair) => void (await survives(pair, 8, { rivals: 2 })),
)

describePostgres('PostgreSQL', () => {
  const database = useDatabase()
  beforeAll(() => {
    process.env.DATABASE_URL = database.url
  })

  // The others are for `npm run chaos`.
  test.concurrent.each(['sqlite-postgres-upsert', 'postgres-raw', 'postgres-steps', 'postgres-backfill'])(
    '%s survives kills',
    { timeout },
    async (pair) => void (await survives(pair, 25)),
  )

  test.concurrent('survives processes that work at once and sleep past their leases', { timeout }, async () => {
    const report = await survives('postgres-steps', 3, { rivals: 3, leaseMs: 400 })
    expect(report.overtaken).toBeGreaterThan(0)
  })
})

async function survives(pair: string, kills: number, more: Partial<CrashOptions> = {}): Promise<CrashReport> {
  const report = await crashHarness({ worker, pair, kills, seed, ...more })
  console.log(reportLine(report))
  expect(report.kills).toBeGreaterThanOrEqual(kills)
  if (more.rivals === undefined) expect(report.landed.between).toBeGreaterThan(0)
  return report
}
