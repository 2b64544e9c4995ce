import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, inject } from 'vitest'
import { findBinaries } from './find-binaries.js'
import type {} from './global-setup.js'
import { type RedisServer, startRedis } from './redis-server.js'

/** `describe` for tests that need Redis: skipped, and said so, where there is none. */
export const describeRedis = describe.skipIf(inject('redis') === null)

/** `describe` for tests that start servers of their own, which a REDIS_URL cannot stand in for. */
export const describeOwnRedis = describe.skipIf(findBinaries() === null)

/** `describe` for tests that need RedisJSON or RediSearch: the server of REDIS_STACK_URL, which is said where it is missing. */
export const describeStack = describe.skipIf(!process.env.REDIS_STACK_URL)

/** The server of REDIS_STACK_URL. */
export function stackUrl(): string {
  const url = process.env.REDIS_STACK_URL
  if (!url) throw new Error('There is no REDIS_STACK_URL; put the test below describeStack.')
  return url
}

/** The URL of the server that all tests share, where a test needs the server itself. */
export function serverUrl(): string {
  const server = inject('redis')
  if (server === null) throw new Error('There is no Redis; put the test below describeRedis.')
  return server.url
}

/** An empty database, for one test file. */
export interface TestDatabase {
  readonly url: string
  readonly database: number
  /** Connected to it, for what the test itself puts in and looks at. */
  readonly client: Redis
}

/** An empty database for the tests of the block that it is called in. */
export function useRedis(): TestDatabase {
  let lent: (TestDatabase & { readonly keeper: Redis }) | undefined
  const current = (): TestDatabase => {
    if (lent === undefined) throw new Error('The database exists in tests and hooks only.')
    return lent
  }
  beforeAll(async () => {
    const server = inject('redis')
    if (server === null) return
    const keeper = new Redis(server.url, { db: 0 })
    const database = await lend(keeper, server.databases)
    const url = new URL(server.url)
    url.pathname = `/${database}`
    const client = new Redis(url.href)
    await client.flushdb()
    lent = { url: url.href, database, client, keeper }
  })
  afterAll(async () => {
    if (lent === undefined) return
    await lent.client.flushdb()
    lent.client.disconnect()
    await lent.keeper.del(lender(lent.database))
    lent.keeper.disconnect()
    lent = undefined
  })
  return {
    get url() {
      return current().url
    },
    get database() {
      return current().database
    },
    get client() {
      return current().client
    },
  }
}

/** A server of the block's own, empty for each of its tests. */
export interface OwnServer {
  readonly server: RedisServer
  readonly client: Redis
}

/** A server for the tests of the block that it is called in alone; `tidy` undoes what a test set, before its keys are removed. */
export function useOwnRedis(tidy?: (client: Redis) => Promise<unknown>): OwnServer {
  let own: OwnServer | undefined
  const current = (): OwnServer => {
    if (own === undefined) throw new Error('The server exists in tests and hooks only.')
    return own
  }
  beforeAll(async () => {
    const server = await startRedis()
    own = { server, client: new Redis(server.url) }
  })
  afterEach(async () => {
    await tidy?.(current().client)
    await current().client.flushall()
  })
  afterAll(async () => {
    own?.client.disconnect()
    await own?.server[Symbol.asyncDispose]()
  })
  return {
    get server() {
      return current().server
    },
    get client() {
      return current().client
    },
  }
}

/** Test files in several processes share the server: database 0 says which of the others are taken. */
async function lend(keeper: Redis, databases: number): Promise<number> {
  for (let attempt = 0; attempt < 10 * databases; attempt++) {
    const database = ((await keeper.incr('drover-test:last')) % (databases - 1)) + 1
    if ((await keeper.set(lender(database), '', 'EX', 3600, 'NX')) === 'OK') return database
  }
  throw new Error(`All ${databases} databases of the server are in use.`)
}

function lender(database: number): string {
  return `drover-test:database:${database}`
}
