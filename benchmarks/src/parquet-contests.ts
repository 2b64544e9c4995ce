import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Contender, Contest } from './contest.js'
import { type Bench, parquet, shell } from './drover.js'
import type { PostgresBench } from './postgres-bench.js'

export const parquetNames = ['postgres-parquet', 'parquet-read'] as const

const run = promisify(execFile)
/** What has all rows in memory is left out of more. */
const mostInMemory = 2_000_000
const peakGoal = 300

/** PostgreSQL → Parquet and back into records. */
export async function parquetContests(bench: Bench, postgres: PostgresBench): Promise<Contest[]> {
  return [await toParquet(bench, postgres), fromParquet(bench, postgres)]
}

async function toParquet({ rows, folder }: Bench, postgres: PostgresBench): Promise<Contest> {
  const from = postgres.url('sample')
  const place = path.join(folder, 'parquet')
  const file = path.join(place, 'messages.parquet')
  const python = await polarsPython()
  const csv = `PGTZ=UTC psql -qX "${from}" -c "COPY messages TO STDOUT CSV"`
  const duckdb = (compression: string): Contender => {
    const [node, ...args] = parquet('', 'duckdb', { file, compression }).command
    return shell(`psql CSV | duckdb ${compression}`, `${csv} | ${[node, ...args].map((arg) => `'${arg}'`).join(' ')}`)
  }
  const polars = (compression: string): Contender[] => {
    const script = path.join(import.meta.dirname, 'polars-pipe.py')
    const pipe = `${csv} | '${python}' '${script}' '${file}' ${compression}`
    return python === undefined ? [] : [shell(`psql CSV | polars ${compression}`, pipe)]
  }
  const againstPolars = python === undefined ? [] : [{ against: 'psql CSV | polars snappy', atMost: 0.95 }]
  const naive = 'naive: pg rows → hyparquet-writer'
  const inMemory = rows <= mostInMemory
  if (!inMemory)
    console.error(`${rows} rows are too many for what keeps all of them in memory: the naive script is left out.`)
  const floor = shell(
    'psql COPY binary > /dev/null',
    `psql -qX "${from}" -c "COPY messages TO STDOUT (FORMAT binary)" > /dev/null`,
  )
  const expected = inPostgres(postgres)
  return {
    name: 'postgres-parquet',
    title: `PostgreSQL → Parquet, ${rows} messages into one file`,
    contenders: [
      floor,
      parquet(
        'snappy',
        'export',
        { from, file, compression: 'snappy' },
        {
          goals: [
            { against: 'psql CSV | duckdb snappy', atMost: 0.85 },
            ...againstPolars,
            ...(inMemory ? [{ against: naive, atMost: 1 / 3 }] : []),
            { against: 'psql CSV | duckdb snappy', atMost: 1.1, of: 'size' },
          ],
          peakGoal,
        },
      ),
      parquet(
        'zstd',
        'export',
        { from, file, compression: 'zstd' },
        {
          goals: [
            { against: 'psql CSV | duckdb zstd', atMost: 1.15 },
            { against: 'psql CSV | duckdb zstd', atMost: 1.1, of: 'size' },
          ],
          peakGoal,
        },
      ),
      parquet('snappy, a transformer of objects', 'export', { from, file, compression: 'snappy', step: true }),
      duckdb('snappy'),
      duckdb('zstd'),
      ...polars('snappy'),
      ...(inMemory ? [parquet(naive, 'naive', { from, file }, { rounds: 2 })] : []),
    ],
    reset: async () => {
      await rm(place, { recursive: true, force: true })
      await mkdir(place)
    },
    check: async ({ name }) => {
      if (name === floor.name) return undefined
      const [wanted, found] = [await expected, await inParquet(file)]
      return found === wanted ? undefined : `count, ids, bytes of texts and seconds are ${found} instead of ${wanted}`
    },
    size: async ({ name }) => (name === floor.name ? undefined : (await stat(file)).size),
  }
}

function fromParquet({ rows, folder }: Bench, postgres: PostgresBench): Contest {
  const place = path.join(folder, 'parquet-read')
  const file = path.join(place, 'messages.parquet')
  const [node, ...args] = parquet('', 'export', { from: postgres.url('sample'), file, compression: 'snappy' }).command
  let made = false
  return {
    name: 'parquet-read',
    title: `Parquet → records, ${rows} messages from one file of ours`,
    contenders: [
      parquet('hyparquet, row group by row group', 'hyparquet', { file, rows }),
      parquet('parquetSource into a sink that counts', 'read', { file, rows }, { goal: 1.5 }),
    ],
    reset: async () => {
      if (made) return
      await rm(place, { recursive: true, force: true })
      await mkdir(place)
      await run(node, args)
      made = true
    },
  }
}

/** A python that has polars: POLARS_PYTHON, or the one on the path. */
async function polarsPython(): Promise<string | undefined> {
  const python = process.env.POLARS_PYTHON ?? 'python3'
  try {
    await run(python, ['-c', 'import polars'])
    return python
  } catch {
    console.error(
      `${python} has no polars, so its pipe is LEFT OUT: POLARS_PYTHON may name a Python that has it (pip install polars).`,
    )
    return undefined
  }
}

async function inPostgres(postgres: PostgresBench): Promise<string> {
  const seconds = 'sum(extract(epoch FROM created_at)::bigint)'
  const sums = `count(*), sum(id), sum(octet_length(thread_id || role || content)), ${seconds}, count(metadata)`
  return await postgres.psql('sample', `SELECT ${sums} FROM messages`)
}

/** The same by a reader that none of them wrote. */
async function inParquet(file: string): Promise<string> {
  if (!existsSync(file)) return 'no file'
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const seconds = 'sum(epoch_ms(created_at) // 1000)'
    const sums = `count(*), sum(id), sum(strlen(thread_id || role || content)), ${seconds}, count(metadata)`
    const [found] = (await connection.runAndReadAll(`SELECT ${sums} FROM read_parquet('${file}')`)).getRows()
    return String(found?.join('|'))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
