import { Redis } from 'ioredis'
import type { TestProject } from 'vitest/node'
import { findBinaries, MissingRedis } from './find-binaries.js'
import { startRedis } from './redis-server.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Null where there is no server: the tests that need one are skipped. */
    redis: { readonly url: string; readonly databases: number } | null
  }
}

interface Shared {
  users: number
  readonly service: Promise<Service>
}

interface Service extends AsyncDisposable {
  readonly redis: { readonly url: string; readonly databases: number } | null
}

// Every project of a run loads this file by itself, and all of them want the same server.
const shared = Symbol.for('drover.redis-server')
const run = globalThis as { [shared]?: Shared | undefined }

/** For `globalSetup` of a vitest project: `REDIS_URL` if it is set, else a server of the run's own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  run[shared] ??= { users: 0, service: findService() }
  const mine = run[shared]
  mine.users++
  const service = await mine.service
  project.provide('redis', service.redis)
  return async () => {
    if (--mine.users > 0) return
    run[shared] = undefined
    await service[Symbol.asyncDispose]()
  }
}

async function findService(): Promise<Service> {
  if (!process.env.REDIS_STACK_URL) {
    console.warn('Tests of RedisJSON and RediSearch are skipped: set REDIS_STACK_URL to a server with those modules.')
  }
  const given = process.env.REDIS_URL
  if (given) return givenService(given)
  try {
    const server = await startRedis({ settings: { databases: 1000 } })
    console.log(`Redis for tests: ${findBinaries()?.server}`)
    return { redis: { url: server.url, databases: 1000 }, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
  } catch (error) {
    if (!(error instanceof MissingRedis) || process.env.CI) throw error
    console.warn(`\n${'!'.repeat(100)}\nTests of Redis are SKIPPED. ${error.message}\n${'!'.repeat(100)}\n`)
    return { redis: null, [Symbol.asyncDispose]: async () => {} }
  }
}

/** Tests empty the databases that they use: nothing of anybody's may be in them. */
async function givenService(url: string): Promise<Service> {
  const client = new Redis(url, { db: 0 })
  try {
    const used = [...(await client.info('keyspace')).matchAll(/^db(\d+):/gm)].map(([, database]) => database)
    if (used.length > 0) {
      throw new Error(`REDIS_URL is for an empty server, and there are keys in database ${used.join(', ')}.`)
    }
    const [, databases] = (await client.config('GET', 'databases')) as string[]
    console.log('Redis for tests: the one of REDIS_URL')
    return {
      redis: { url, databases: Number(databases) },
      async [Symbol.asyncDispose]() {
        const last = new Redis(url, { db: 0 })
        await last.flushdb()
        last.disconnect()
      },
    }
  } finally {
    client.disconnect()
  }
}
