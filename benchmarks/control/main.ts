// From `pause` in one process to no more writes in another one. Run it from the root, on a machine that does nothing else:
//   node --conditions=@drover/source --import tsx benchmarks/control/main.ts [--rounds 20] [--rate 20000] [--json <file>]
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { postgresStateStore } from '@drover/adapter-postgres'
import { sqliteStateStore } from '@drover/adapter-sqlite'
import { directoryStateStore, operate, type RunOverview, type StateStore } from '@drover/core'
import { createDatabase, startPostgres } from '@drover-internal/postgres-server'
import BetterSqlite3 from 'better-sqlite3'
import type { CopyOptions } from './copy.js'

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '20000' },
    json: { type: 'string' },
  },
})
const rounds = Number(given.rounds)
const recordsPerSecond = Number(given.rate)
/** As often as a run with the usual lease is heard of. */
const heartbeatMs = 2_000
const copy = fileURLToPath(new URL('./copy.ts', import.meta.url))

interface Measured {
  readonly store: string
  /** From `pause` to the last batch that was durable behind it, per round. */
  readonly untilQuietMs: readonly number[]
  /** From `pause` to the operator being told that nothing is written any more. */
  readonly untilToldMs: readonly number[]
  readonly longestBatchMs: number
}

const folder = await mkdtemp(path.join(tmpdir(), 'drover-control-'))
try {
  const database = path.join(folder, 'numbers.db')
  // For as long as it is paused and resumed, and twice as much.
  makeNumbers(database, rounds * recordsPerSecond * 7)
  await using server = await startPostgres({ settings: { fsync: 'on', synchronous_commit: 'on' } })
  await using place = await createDatabase(server.url)
  await place.query('CREATE TABLE numbers (id bigint PRIMARY KEY, a text)')
  const options = (target: string): CopyOptions => ({
    database,
    target,
    directory: path.join(folder, 'state'),
    recordsPerSecond,
  })
  const filename = path.join(folder, 'copy.db')
  const other = path.join(folder, 'other.db')
  for (const file of [filename, other])
    exec(file, 'PRAGMA journal_mode = wal; CREATE TABLE numbers (id INTEGER PRIMARY KEY, a TEXT)')
  const all = [
    await measured('sqlite', options(filename), sqliteStateStore({ filename })),
    await measured('directory', options(other), directoryStateStore({ directory: options(other).directory })),
    await measured('postgres', options(place.url), postgresStateStore({ connection: place.url })),
  ]
  for (const one of all) print(one)
  if (given.json !== undefined)
    await writeFile(given.json, `${JSON.stringify({ rounds, recordsPerSecond, all }, null, 2)}\n`)
} finally {
  await rm(folder, { recursive: true })
}

async function measured(store: string, options: CopyOptions, state: StateStore): Promise<Measured> {
  await using closing = state
  const operator = operate(closing)
  const batches: { readonly at: number; readonly durationMs: number }[] = []
  const child = spawn(
    process.execPath,
    ['--conditions=@drover/source', '--import', 'tsx', copy, store, JSON.stringify(options)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  createInterface(child.stdout).on('line', (line) => batches.push(JSON.parse(line)))
  const until = async (what: (run: RunOverview) => boolean): Promise<void> => {
    for (;;) {
      const [run] = await operator.list()
      if (run !== undefined && what(run)) return
      if (child.exitCode !== null) throw new Error(`${store}: the copy ended before it was measured`)
      await sleep(10)
    }
  }
  try {
    const untilQuietMs: number[] = []
    const untilToldMs: number[] = []
    for (let round = 0; round < rounds; round++) {
      await until((run) => run.activity === 'running' && batches.length > 0)
      // At any time between two heartbeats.
      await sleep(500 + Math.random() * heartbeatMs)
      const asked = Date.now()
      await operator.pause('control')
      await until(({ activity }) => activity === 'paused')
      untilToldMs.push(Date.now() - asked)
      await sleep(200)
      untilQuietMs.push(Math.max(0, (batches.at(-1)?.at ?? asked) - asked))
      await operator.resume('control')
    }
    return {
      store,
      untilQuietMs,
      untilToldMs,
      longestBatchMs: Math.max(...batches.map(({ durationMs }) => durationMs)),
    }
  } finally {
    await ended(child)
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const end = new Promise((resolve) => child.on('close', resolve))
  child.kill('SIGKILL')
  await end
}

function print({ store, untilQuietMs, untilToldMs, longestBatchMs }: Measured): void {
  const goal = heartbeatMs + longestBatchMs
  const worst = Math.max(...untilQuietMs)
  console.log(
    `${store.padEnd(10)} no more writes after ${median(untilQuietMs)} ms, at the most ${worst} ms; told after ${median(untilToldMs)} ms, at the most ${Math.max(...untilToldMs)} ms; ` +
      `one heartbeat and one batch: ${Math.round(goal)} ms, ${worst <= goal ? 'met' : 'missed'}`,
  )
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function makeNumbers(file: string, rows: number): void {
  exec(
    file,
    `CREATE TABLE numbers (id INTEGER PRIMARY KEY, a TEXT);
     INSERT INTO numbers WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i, 'row ' || i FROM n`,
  )
}

function exec(file: string, sql: string): void {
  const database = new BetterSqlite3(file)
  database.exec(sql)
  database.close()
}
