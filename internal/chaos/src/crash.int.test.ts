import { type CrashOptions, type CrashReport, crashHarness } from '@drover/conformance/crash'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildWorkers, type Workplace } from './build-workers.js'
import { reportLine } from './report-line.js'

// Another seed every time; a failure says which one it was: DROVER_SEED=… runs it again.
const seed = Number(process.env.DROVER_SEED ?? Math.floor(Math.random() * 2 ** 31))
const timeout = 180_000
let workplaces: ReadonlyMap<string, Workplace>

beforeAll(async () => {
  console.log(`crash tests: DROVER_SEED=${seed}`)
  workplaces = await buildWorkers('sources')
}, 60_000)

/** Fifty kills of every kind: sinks in a database, in files, by a function, and backfills (twenty of them in Postgres). */
const kills = {
  'sqlite-sqlite': 20,
  'sqlite-itself': 15,
  'ndjson-sqlite': 15,
  'sqlite-ndjson': 20,
  'sqlite-json-files': 15,
  'ndjson-json': 15,
  'sqlite-function': 50,
  'sqlite-backfill': 20,
  'backfill-by-hand': 10,
  'sqlite-to-parquet': 12,
  'parquet-to-sqlite': 6,
}
// The others are for `npm run chaos`.
const postgresKills = {
  'sqlite-postgres-upsert': 17,
  'postgres-raw': 17,
  'postgres-steps': 17,
  'postgres-backfill': 20,
  'postgres-to-parquet': 10,
  'postgres-to-parquet-set': 12,
}

/** Redis in a few kills each; the servers themselves are killed too. */
const redisKills = {
  'redis-to-sqlite': 6,
  'sqlite-to-redis': 6,
  'redis-to-redis': 6,
  'sqlite-to-redis-crashes': 4,
  'sqlite-to-redis-forgets': 4,
  'redis-to-parquet': 4,
}

/** Qdrant in a few kills each; servers with its storage semantics, one of which is killed too. */
const qdrantKills = {
  'sqlite-to-qdrant': 4,
  'qdrant-to-sqlite': 3,
  'qdrant-to-qdrant': 4,
  'sqlite-to-qdrant-crashes': 2,
}

test.concurrent.each(Object.entries({ ...kills, ...qdrantKills }))(
  '%s survives kills',
  { timeout },
  async (pair, kills) => void (await survives(pair, kills)),
)

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

  test.concurrent.each(Object.entries(postgresKills))(
    '%s survives kills',
    { timeout },
    async (pair, kills) => void (await survives(pair, kills)),
  )

  test.concurrent('survives processes that work at once and sleep past their leases', { timeout }, async () => {
    const report = await survives('postgres-steps', 3, { rivals: 3, leaseMs: 400 })
    expect(report.overtaken).toBeGreaterThan(0)
  })
})

describeOwnRedis('Redis', () => {
  let server: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => {
    server = await startRedis({ settings: { databases: 1_000 } })
    process.env.REDIS_URL = server.url
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  test.concurrent.each(Object.entries(redisKills))(
    '%s survives kills',
    { timeout },
    async (pair, kills) => void (await survives(pair, kills)),
  )
})

async function survives(pair: string, kills: number, more: Partial<CrashOptions> = {}): Promise<CrashReport> {
  const { worker } = workplaces.get(pair) as Workplace
  const report = await crashHarness({ worker, pair, kills, seed, ...more })
  console.log(reportLine(report))
  expect(report.kills).toBeGreaterThanOrEqual(kills)
  // A few may all land where a data set is finished.
  if (more.rivals === undefined && kills >= 15) expect(report.landed.between).toBeGreaterThan(0)
  if (more.rivals === undefined) expect(report.landed.before).toBeLessThan(report.kills)
  return report
}
