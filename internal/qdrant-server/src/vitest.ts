import { QdrantClient } from '@qdrant/js-client-rest'
import { afterAll, beforeAll } from 'vitest'
import { loadApiContract } from './api-contract.js'
import { type QdrantServer, type QdrantServerOptions, startQdrantServer } from './qdrant-server.js'

export { type ApiContract, loadApiContract } from './api-contract.js'

/** A server for the tests of one block. */
export interface TestQdrant {
  readonly url: string
  readonly apiKey: string | undefined
  /** For what the test itself puts in and looks at. */
  readonly client: QdrantClient
  /** The name of a collection that does not exist yet; it is removed at the end. */
  collection(): string
  /** The server in this process. @throws where QDRANT_URL names a real one */
  readonly server: QdrantServer
}

/** Whether tests run against the real server of QDRANT_URL: what needs faults or kills then starts its own by `startQdrantServer`. */
export const hasRealQdrant = Boolean(process.env.QDRANT_URL)

/**
 * A server for the tests of the block that it is called in: the real one of QDRANT_URL (and QDRANT_API_KEY), else one with the
 * storage semantics of Qdrant in this process, which checks that every request and answer fits the API.
 */
export function useQdrant(options: QdrantServerOptions = {}): TestQdrant {
  const given = process.env.QDRANT_URL
  const apiKey = given ? process.env.QDRANT_API_KEY : options.apiKey
  const names: string[] = []
  const problems = new Set<string>()
  let server: QdrantServer | undefined
  let client: QdrantClient | undefined
  beforeAll(async () => {
    if (!given) {
      const contract = await loadApiContract()
      const observe: QdrantServerOptions['observe'] = (exchange) => {
        for (const problem of contract?.check(exchange) ?? []) problems.add(problem)
      }
      server = await startQdrantServer({ ...(contract === null ? {} : { observe }), ...options })
    }
    client = connect(given ?? current(server).url, apiKey)
  })
  afterAll(async () => {
    if (given) for (const name of names) await current(client).deleteCollection(name)
    await server?.[Symbol.asyncDispose]()
    server = undefined
    client = undefined
    if (problems.size > 0) throw new Error(`What was sent does not fit the API of Qdrant:\n${[...problems].join('\n')}`)
  })
  return {
    get url() {
      return given ?? current(server).url
    },
    apiKey,
    get client() {
      return current(client)
    },
    get server() {
      return current(server)
    },
    collection() {
      const name = `drover-test-${process.pid}-${Math.random().toString(36).slice(2, 10)}`
      names.push(name)
      return name
    },
  }
}

function current<T>(value: T | undefined): T {
  if (value !== undefined) return value
  throw new Error('The server exists in tests and hooks only, and is one of our own only without QDRANT_URL.')
}

function connect(url: string, apiKey: string | undefined): QdrantClient {
  return new QdrantClient({ url, checkCompatibility: false, ...(apiKey === undefined ? {} : { apiKey }) })
}
