import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MissingPostgres } from '@drover-internal/postgres-server'
import { MissingRedis } from '@drover-internal/redis-server'
import { checkpointContests, checkpointNames } from './src/checkpoint-contests.js'
import { contest, type Result } from './src/contest.js'
import type { Bench } from './src/drover.js'
import { parquetContests, parquetNames } from './src/parquet-contests.js'
import { type PostgresBench, postgresBench } from './src/postgres-bench.js'
import { postgresContests, postgresNames } from './src/postgres-contests.js'
import { qdrantBench } from './src/qdrant-bench.js'
import { qdrantContests, qdrantNames } from './src/qdrant-contests.js'
import { type RedisBench, redisBench } from './src/redis-bench.js'
import { redisContests, redisNames, redisPostgresContest } from './src/redis-contests.js'
import { sampleDatabase } from './src/sample-database.js'
import { schemaContests, schemaNames } from './src/schema-contests.js'
import { hasCli } from './src/sqlite-cli.js'
import { sqliteContests } from './src/sqlite-contests.js'

if (process.argv[2] === 'throttle') {
  // Options of its own, and no peers.
  process.argv.splice(2, 1)
  await import('./throttle/main.js')
  process.exit()
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    folder: { type: 'string', default: path.join(tmpdir(), 'drover-bench') },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(
    'npm run bench -- [--rows 1000000] [--rounds 5] [--only <name>[,<name>]] [--folder <where the samples go>]\n' +
      'npm run bench -- throttle [--rows 1000000] [--rate 200] [--idle 20] [--longest 300] [--plot <file.svg>] [--json <file>]',
  )
  process.exit(0)
}
if (!(await hasCli())) {
  console.error(
    'The benchmarks compare with the sqlite3 command-line program, which is not installed: Debian has it as the package sqlite3.',
  )
  process.exit(1)
}

const rows = wholeNumber('rows', values.rows)
const rounds = wholeNumber('rounds', values.rounds)
const chosen = values.only?.split(',')
await mkdir(values.folder, { recursive: true })
const database = await sampleDatabase(values.folder, rows)

const bench = { rows, folder: values.folder, database }
const onSqlite = sqliteContests(bench)
const known: readonly string[] = [
  ...onSqlite.map(({ name }) => name),
  ...postgresNames,
  ...parquetNames,
  ...redisNames,
  'redis-postgres',
  ...qdrantNames,
  ...checkpointNames,
  ...schemaNames,
]
const unknown = chosen?.filter((name) => !known.includes(name)) ?? []
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. There are: ${known.join(', ')}.`)
  process.exit(1)
}
const isChosen = (name: string): boolean => chosen?.includes(name) ?? true

const tables: { readonly name: string; readonly results: readonly Result[] }[] = []
const withParquet = parquetNames.some(isChosen)
const needsPostgres =
  withParquet || [...postgresNames, ...checkpointNames, ...schemaNames, 'redis-postgres'].some(isChosen)
await using postgres = needsPostgres ? await started(postgresBench) : undefined
await using redis = [...redisNames, 'redis-postgres'].some(isChosen) ? await started(redisBench) : undefined
await using qdrant = qdrantNames.some(isChosen) ? await qdrantBench(bench) : undefined
const onPostgres = postgres === undefined ? [] : postgresContests(bench, postgres)
const onParquet = postgres === undefined || !withParquet ? [] : await parquetContests(bench, postgres)
const onRedis = redis === undefined ? [] : redisContests(bench, redis)
if (redis !== undefined && postgres !== undefined) onRedis.push(redisPostgresContest(bench, redis, postgres))
const onCheckpoints =
  postgres === undefined || !checkpointNames.some(isChosen) ? [] : await checkpointContests(bench, postgres)
const onSchema = schemaNames.some(isChosen) ? schemaContests(bench, postgres) : []
const onQdrant = qdrant === undefined ? [] : qdrantContests(qdrant)
for (const each of [...onSqlite, ...onPostgres, ...onParquet, ...onRedis, ...onQdrant, ...onCheckpoints, ...onSchema]) {
  if (!isChosen(each.name)) continue
  const results = await contest(each, rounds)
  print(each.title, results)
  tables.push({ name: each.name, results })
}

const machine = {
  node: process.version,
  cpus: cpus().length,
  cpu: cpus()[0]?.model,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
}
const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'results')
await mkdir(folder, { recursive: true })
const file = path.join(folder, `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.json`)
await writeFile(file, `${JSON.stringify({ machine, rows, rounds, tables }, null, 2)}\n`)
console.log(`written to benchmarks/results/${path.basename(file)}`)

async function started<S extends PostgresBench | RedisBench>(start: (of: Bench) => Promise<S>): Promise<S | undefined> {
  try {
    return await start(bench)
  } catch (error) {
    if (!(error instanceof MissingPostgres || error instanceof MissingRedis)) throw error
    console.error(`${error.message}\nThe benchmarks with ${missing(error)} are left out.`)
    return undefined
  }
}

function missing(error: Error): string {
  return error instanceof MissingPostgres ? 'PostgreSQL' : 'Redis'
}

function print(title: string, results: readonly Result[]): void {
  console.log(`\n${title}`)
  const lines = [['', 'ratio', 'goal', '', 'seconds', '(min – max)', 'peak MB', 'out MB']]
  for (const { name, ratio, goal, goals, peakGoal, seconds, peakMb, sizeMb } of results) {
    lines.push([
      name,
      ratio.toFixed(2),
      ...aim(ratio, goal),
      seconds.median.toFixed(2),
      `${seconds.min.toFixed(2)} – ${seconds.max.toFixed(2)}`,
      peakMb.toFixed(0),
      sizeMb?.toFixed(1) ?? '',
    ])
    for (const { against, atMost, of, ratio } of goals) {
      const measure = of === 'seconds' ? '' : `${of} `
      lines.push([`  ${measure}against ${against}`, ratio.toFixed(2), ...aim(ratio, atMost), '', '', '', ''])
    }
    if (peakGoal !== undefined) lines.push(['  peak MB', peakMb.toFixed(0), ...aim(peakMb, peakGoal), '', '', '', ''])
  }
  const widths = (lines[0] as string[]).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] as string).length)),
  )
  for (const line of lines) {
    const cells = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
    )
    console.log(`  ${cells.join('  ').trimEnd()}`)
  }
}

function aim(found: number, goal: number | undefined): [goal: string, verdict: string] {
  if (goal === undefined) return ['', '']
  return [`≤ ${Number(goal.toFixed(2))}`, found <= goal ? 'met' : 'missed']
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  console.error(`--${name} is a whole number above 0, not ${text}.`)
  process.exit(1)
}
