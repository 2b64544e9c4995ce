import { crashHarness } from '@drover/conformance/crash'
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
  const most = kills[pair] ?? 25
  const report = await crashHarness({ worker, pair, kills: most, seed })
  console.log(reportLine(report))
  expect(report.kills).toBeGreaterThanOrEqual(most)
  expect(report.landed.between).toBeGreaterThan(0)
})

test.concurrent.each(['sqlite-sqlite', 'sqlite-ndjson'])(
  '%s survives processes that work on it at once',
  { timeout },
  async (pair) => {
    const report = await crashHarness({ worker, pair, kills: 8, rivals: 2, seed })
    console.log(reportLine(report))
    expect(report.kills).toBeGreaterThanOrEqual(8)
  },
)
