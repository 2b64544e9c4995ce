import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { startRedis } from '@drover-internal/redis-server'
import type { Bench } from './drover.js'
import { hashes, sampleFile, sendSample, strings } from './redis-sample.js'

const run = promisify(execFile)

/** What is in which database of the server. */
const databases = { strings: 0, hashes: 1, target: 2, many: 3 } as const

type Name = keyof typeof databases

/** A server of the benchmarks' own, with messages as strings, and sessions as hashes, a fifth as many. */
export interface RedisBench extends AsyncDisposable {
  url(database: Name): string
  /** The commands that make the strings, as a file. */
  readonly commands: string
  readonly hashes: number
  /** How many keys there are that are not Drover's own. */
  count(database: Name): Promise<number>
  empty(database: Name): Promise<void>
  /** Fills the database `many` with so many strings, unless they are there. */
  fill(count: number): Promise<void>
}

/** Starts the server and fills it. It keeps nothing on disk: not every server does, and no contest is to measure the disk's luck. */
export async function redisBench({ rows, folder }: Bench): Promise<RedisBench> {
  const server = await startRedis({ settings: { save: '', appendonly: 'no' } })
  const url = (name: Name): string => {
    const of = new URL(server.url)
    of.pathname = `/${databases[name]}`
    return of.href
  }
  const cli = async (name: Name, ...args: readonly string[]): Promise<string> =>
    (await run('redis-cli', ['-u', url(name), '--no-auth-warning', ...args])).stdout.trim()
  // SCAN may give a key twice while the table grows: of the sample's keys all but ours are counted.
  const ours =
    "local seen, n, at = {}, 0, '0' repeat local r = redis.call('SCAN', at, 'MATCH', '*drover:v1:*', 'COUNT', 10000) at = r[1] for _, key in ipairs(r[2]) do if not seen[key] then seen[key] = true n = n + 1 end end until at == '0' return redis.call('DBSIZE') - n"
  const count = async (name: Name): Promise<number> => Number(await cli(name, 'EVAL', ours, '0'))
  const fifth = Math.ceil(rows / 5)
  try {
    await sendSample(url('strings'), strings, rows)
    await sendSample(url('hashes'), hashes, fifth)
    for (const [name, wanted] of [
      ['strings', rows],
      ['hashes', fifth],
    ] as const) {
      const found = await count(name)
      if (found !== wanted) throw new Error(`The sample of ${name} in Redis has ${found} keys instead of ${wanted}.`)
    }
    return {
      url,
      commands: await sampleFile(path.join(folder, `redis-strings-${rows}.resp`), strings, rows),
      hashes: fifth,
      count,
      empty: async (name) => void (await cli(name, 'FLUSHDB')),
      async fill(wanted) {
        if ((await count('many')) !== wanted) await sendSample(url('many'), strings, wanted)
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}
