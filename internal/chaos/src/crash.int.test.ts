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

/**
 * Every pair in a few kills, spread over all kinds: sinks in a database, in files, by a function, and backfills. The pairs share what
 * they run; `npm run chaos -- --kills 50` gives each of them as many as it can take.
 */
const kills = {
  'sqlite-sqlite': 8,
  'sqlite-itself': 5,
  'ndjson-sqlite': 5,
  'sqlite-ndjson': 8,
  'sqlite-json-files': 5,
  'ndjson-json': 5,
  'sqlite-function': 12,
  'sqlite-backfill': 8,
  'backfill-by-hand': 4,
  'sqlite-to-parquet': 5,
  'parquet-to-sqlite': 3,
}
const postgresKills = {
  'sqlite-postgres-upsert': 7,
  'postgres-raw': 7,
  'postgres-steps': 7,
  'postgres-backfill': 8,
  'postgres-to-parquet': 4,
  'postgres-to-parquet-set': 4,
}

/** The servers themselves are killed too. */
const redisKills = {
  'redis-to-sqlite': 3,
  'sqlite-to-redis': 3,
  'redis-to-redis': 3,
  'sqlite-to-redis-crashes': 2,
  'sqlite-to-redis-forgets': 2,
  'redis-to-parquet': 2,
}

/** Servers with Qdrant's storage semantics, one of which is killed too. */
const qdrantKills = {
  'sqlite-to-qdrant': 2,
  'qdrant-to-sqlite': 2,
  'qdrant-to-qdrant': 2,
  'sqlite-to-qdrant-crashes': 1,
}

/** Where the kills landed, of all pairs. */
const landed = { before: 0, between: 0, after: 0 }
const places = ['before', 'between', 'after'] as const

afterAll(() => {
  const all = landed.before + landed.between + landed.after
  // Of a few, all may land where a data set is finished.
  if (all > 40) expect(landed.between).toBeGreaterThan(all / 4)
})

test.concurrent.each(Object.entries({ ...kills, ...qdrantKills }))(
  '%s survives kills',
  { timeout },
  async (pair, kills) => void (await survives(pair, kills)),
)

test.concurrent.each(['sqlite-sqlite', 'sqlite-ndjson'])(
  '%s survives processes that work on it at once',
  { timeout },
  async (pair) => void (await survives(pair, 5, { rivals: 2 })),
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
  if (more.rivals === undefined) for (const where of places) landed[where] += report.landed[where]
  return report
}
