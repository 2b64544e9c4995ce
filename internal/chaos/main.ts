import os from 'node:os'
import { parseArgs } from 'node:util'
import { crashHarness } from '@drover/conformance/crash'
import { createDatabase, MissingPostgres, startPostgres } from '@drover-internal/postgres-server'
import { MissingRedis, startRedis } from '@drover-internal/redis-server'
import { buildWorkers, type Workplace } from './src/build-workers.js'
import { reportLine } from './src/report-line.js'

const usage = `npm run chaos -- [--seconds 60] [--kills N] [--seed N] [--pair NAME] [--rivals N] [--lease MS]

Kills processes that move data, with SIGKILL at random moments, and compares source and destination record by record.
  --seconds  how long, over all pairs (default 60)
  --kills    so many kills of each pair, however long it takes
  --seed     decides the records; printed with every line
  --pair     one pair alone; can be given several times
  --rivals   processes that work on the same run at once (default 1)
  --lease    half of the rivals are not killed but stopped, for up to three leases of so many milliseconds, and go on then

Pairs with PostgreSQL work in a database of their own, at DATABASE_URL if it is set, else on a server that is started for them.
Those with Redis work on a server that is started for them; of some the server is killed too. Those with Qdrant work on servers with
its storage semantics, which are no Qdrant.`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    kills: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    pair: { type: 'string', multiple: true },
    rivals: { type: 'string', default: '1' },
    lease: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else if (!(await kill())) process.exitCode = 1

/** Whether all that was lost or doubled is nothing. */
async function kill(): Promise<boolean> {
  const workplaces = await buildWorkers('builds')
  const known = [...workplaces.keys()]
  const chosen = values.pair ?? known
  const unknown = chosen.filter((pair) => !known.includes(pair))
  if (unknown.length > 0) throw new Error(`There is no pair ${unknown.join(', ')}; there are ${known.join(', ')}.`)
  const needsPostgres = (pair: string): boolean => workplaces.get(pair)?.needsPostgres === true
  const needsRedis = (pair: string): boolean => workplaces.get(pair)?.needsRedis === true
  await using postgres = await postgresFor(chosen.filter(needsPostgres))
  await using redis = await redisFor(chosen.filter(needsRedis))
  const wanted = chosen.filter(
    (pair) => !(postgres === undefined && needsPostgres(pair)) && !(redis === undefined && needsRedis(pair)),
  )
  const lanes = Math.max(1, Math.min(os.availableParallelism(), wanted.length))
  const [seed, rivals] = [wholeNumber('seed', 0), wholeNumber('rivals', 1)]
  const kills = values.kills === undefined ? undefined : wholeNumber('kills', 1)
  const limit = kills === undefined ? { seconds: (wholeNumber('seconds', 1) * lanes) / wanted.length } : { kills }
  const lease = values.lease === undefined ? {} : { leaseMs: wholeNumber('lease', 1) }
  console.log(
    `seed ${seed}: ${wanted.length} pairs, ${lanes} at a time, ${kills === undefined ? `${values.seconds} s` : `${kills} kills each`}`,
  )
  const waiting = [...wanted]
  let whole = true
  const lane = async (): Promise<void> => {
    for (let pair = waiting.shift(); pair !== undefined; pair = waiting.shift()) {
      try {
        const { worker } = workplaces.get(pair) as Workplace
        console.log(`ok   ${reportLine(await crashHarness({ worker, pair, seed, rivals, ...lease, ...limit }))}`)
      } catch (error) {
        whole = false
        console.log(`FAIL ${pair}, seed ${seed}\n${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return whole
}

/** A database for these pairs, which the workers find in DATABASE_URL; undefined, and said so, where there is no PostgreSQL. */
async function postgresFor(pairs: readonly string[]): Promise<AsyncDisposable | undefined> {
  if (pairs.length === 0) return { [Symbol.asyncDispose]: async () => {} }
  try {
    const given = process.env.DATABASE_URL
    const server = given ? undefined : await startPostgres({ inMemory: true })
    const database = await createDatabase(server?.url ?? String(given), 'drover_chaos')
    process.env.DATABASE_URL = database.url
    return {
      async [Symbol.asyncDispose]() {
        await database[Symbol.asyncDispose]()
        await server?.[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    return skipped(pairs, error)
  }
}

/** A server for these pairs, which the workers find in REDIS_URL; undefined, and said so, where there is no Redis. */
async function redisFor(pairs: readonly string[]): Promise<AsyncDisposable | undefined> {
  if (pairs.length === 0) return { [Symbol.asyncDispose]: async () => {} }
  try {
    const server = await startRedis({ settings: { databases: 1_000 } })
    process.env.REDIS_URL = server.url
    return server
  } catch (error) {
    return skipped(pairs, error)
  }
}

function skipped(pairs: readonly string[], error: unknown): undefined {
  if (!(error instanceof MissingPostgres || error instanceof MissingRedis)) throw error
  console.warn(`${'!'.repeat(100)}\nSKIPPED: ${pairs.join(', ')}. ${error.message}\n${'!'.repeat(100)}`)
  return undefined
}

function wholeNumber(name: 'seconds' | 'kills' | 'seed' | 'rivals' | 'lease', least: number): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new Error(`--${name} is a whole number of at least ${least}, not "${values[name]}".\n\n${usage}`)
}
