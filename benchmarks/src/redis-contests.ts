import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Contest } from './contest.js'
import { type Bench, redis, shell } from './drover.js'
import type { PostgresBench } from './postgres-bench.js'
import type { RedisBench } from './redis-bench.js'

export const redisNames = [
  'redis-ndjson',
  'redis-naive',
  'redis-hashes',
  'redis-sink',
  'redis-parquet',
  'redis-memory',
] as const

const run = promisify(execFile)
const keysTable = 'CREATE TABLE keys (key text PRIMARY KEY, type text NOT NULL, value text, expires_at timestamptz(3))'

/** Redis, in the order they are printed. */
export function redisContests(bench: Bench, server: RedisBench): Contest[] {
  return [toNdjson, naive, fromHashes, toRedis, toParquet, memory].map((contest) => contest(bench, server))
}

function toNdjson({ rows, folder }: Bench, server: RedisBench): Contest {
  const [url, place, file] = [server.url('strings'), ...placeIn(folder)]
  const byHand = 'SCAN + mgetBuffer by hand'
  const piped = 'redis-cli --scan | xargs redis-cli mget'
  return {
    name: 'redis-ndjson',
    title: `Redis → NDJSON, ${rows} strings`,
    contenders: [
      redis(byHand, 'scan-mget', { url, file }),
      redis('the same, and values copied as they are', 'scan-mget', { url, file, isCopied: true }),
      redis('redisSource', 'ndjson', { url, file }, { goal: 1.2, goals: [{ against: piped, atMost: 1 / 3 }] }),
      shell(
        piped,
        `redis-cli -u "${url}" --scan --pattern 'checkpoint:*' | xargs -n1000 redis-cli -u "${url}" mget > "${file}"`,
      ),
    ],
    ...intoFolder(place, file, rows),
  }
}

function naive({ rows, folder }: Bench, server: RedisBench): Contest {
  const [url, place, file] = [server.url('strings'), ...placeIn(folder)]
  return {
    name: 'redis-naive',
    title: `Redis → NDJSON, ${rows} strings, against a GET for each key`,
    contenders: [
      redis('scanStream, a GET for each key, awaited in turn', 'naive', { url, file }, { rounds: 1 }),
      redis('redisSource', 'ndjson', { url, file }, { goal: 1 / 8 }),
    ],
    ...intoFolder(place, file, rows),
  }
}

function fromHashes({ folder }: Bench, server: RedisBench): Contest {
  const [url, place, file] = [server.url('hashes'), ...placeIn(folder)]
  return {
    name: 'redis-hashes',
    title: `Redis → NDJSON, ${server.hashes} hashes of 8 fields`,
    contenders: [
      redis('SCAN + a pipeline of HGETALL by hand', 'scan-hgetall', { url, file }),
      redis('redisSource', 'ndjson', { url, file }, { goal: 1.1 }),
      redis("redisSource, types: 'hash'", 'ndjson', { url, file, types: 'hash' }, { goal: 1.1 }),
    ],
    ...intoFolder(place, file, server.hashes),
  }
}

function toRedis({ rows }: Bench, server: RedisBench): Contest {
  const { commands } = server
  const to = server.url('target')
  return {
    name: 'redis-sink',
    title: `A file of ${rows} SETs → Redis`,
    contenders: [
      shell('redis-cli --pipe', `redis-cli -u "${to}" --pipe < "${commands}"`),
      redis('an ioredis pipeline of SETs by hand, no position', 'set-pipeline', { commands, to }),
      redis('redisSink, the position in the same script', 'redis', { commands, to }, { goal: 1 / 0.7 }),
      redis('Redis → Redis', 'redis', { url: server.url('strings'), to }),
    ],
    reset: () => server.empty('target'),
    check: async () => {
      const count = await server.count('target')
      return count === rows ? undefined : `${count} keys instead of ${rows}`
    },
  }
}

function toParquet({ rows, folder }: Bench, server: RedisBench): Contest {
  const url = server.url('strings')
  const place = path.join(folder, 'redis-parquet')
  const file = path.join(place, 'keys.parquet')
  const [alone, end] = ['redisSource → nothing', 'a file of commands → Parquet']
  return {
    name: 'redis-parquet',
    title: `Redis → Parquet, ${rows} strings into one file`,
    contenders: [
      redis(alone, 'nothing', { url, rows }),
      redis(end, 'parquet', { commands: server.commands, file }),
      redis('Redis → Parquet', 'parquet', { url, file }, { against: [alone, end], goal: 1.3 }),
    ],
    reset: async () => {
      await rm(place, { recursive: true, force: true })
      await mkdir(place)
    },
    check: async ({ name }) => (name === alone ? undefined : await wrongParquet(file, rows)),
  }
}

/** Into a table of PostgreSQL's; apart, for it needs both servers. */
export function redisPostgresContest({ rows }: Bench, server: RedisBench, postgres: PostgresBench): Contest {
  const url = server.url('strings')
  const to = postgres.url('target')
  const [alone, end] = ['redisSource → nothing', 'a file of commands → PostgreSQL']
  return {
    name: 'redis-postgres',
    title: `Redis → PostgreSQL, ${rows} strings into an empty table`,
    contenders: [
      redis(alone, 'nothing', { url, rows }),
      redis(end, 'postgres', { commands: server.commands, to }),
      redis('Redis → PostgreSQL', 'postgres', { url, to }, { against: [alone, end], goal: 1.3 }),
    ],
    reset: async () => {
      await postgres.renew('target', 'template0')
      await postgres.psql('target', keysTable)
    },
    check: async ({ name }) => {
      if (name === alone) return undefined
      const found = await postgres.psql('target', 'SELECT count(*), count(value) FROM keys')
      return found === `${rows}|${rows}` ? undefined : `keys and values are ${found} instead of ${rows}`
    },
  }
}

/** Whether the peak grows with the keys. */
function memory({ rows, folder }: Bench, server: RedisBench): Contest {
  const [place, file] = placeIn(folder)
  const few = `${rows} strings`
  const many = rows * 5
  const own = intoFolder(place, file, rows)
  return {
    name: 'redis-memory',
    title: `Peak memory by the number of keys: Redis → NDJSON, ${rows} and ${many} strings`,
    contenders: [
      redis(few, 'ndjson', { url: server.url('strings'), file }),
      redis(
        `${many} strings`,
        'ndjson',
        { url: server.url('many'), file },
        {
          goals: [{ against: few, atMost: 1.15, of: 'peak' }],
        },
      ),
    ],
    reset: async (contender) => {
      await server.fill(many)
      await own.reset?.(contender)
    },
    check: async ({ name }) => await wrongLines(file, name === few ? rows : many),
  }
}

function placeIn(folder: string): [place: string, file: string] {
  const place = path.join(folder, 'redis-ndjson')
  return [place, path.join(place, 'keys.ndjson')]
}

function intoFolder(place: string, file: string, rows: number): Pick<Contest, 'reset' | 'check'> {
  return {
    reset: async () => {
      await rm(place, { recursive: true, force: true })
      await mkdir(place)
    },
    check: async () => await wrongLines(file, rows),
  }
}

async function wrongLines(file: string, rows: number): Promise<string | undefined> {
  const { stdout } = await run('wc', ['-l', file])
  const lines = Number.parseInt(stdout, 10)
  return lines === rows ? undefined : `${lines} lines instead of ${rows}`
}

async function wrongParquet(file: string, rows: number): Promise<string | undefined> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const query = `SELECT count(DISTINCT key), count(value) FROM read_parquet('${file}')`
    const [found] = (await connection.runAndReadAll(query)).getRows()
    const said = String(found?.join('|'))
    return said === `${rows}|${rows}` ? undefined : `keys and values are ${said} instead of ${rows}`
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
