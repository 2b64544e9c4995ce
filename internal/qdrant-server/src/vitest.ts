import { QdrantClient } from '@qdrant/js-client-rest'
import { afterAll, beforeAll } from 'vitest'
import { type QdrantServer, type QdrantServerOptions, startQdrantServer } from './qdrant-server.js'

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

/**
 * A server for the tests of the block that it is called in: the real one of QDRANT_URL (and QDRANT_API_KEY), else one with the
 * storage semantics of Qdrant in this process. Tests that need options, faults or kills call `startQdrantServer` themselves.
 */
export function useQdrant(options: QdrantServerOptions = {}): TestQdrant {
  const given = process.env.QDRANT_URL
  const apiKey = given ? process.env.QDRANT_API_KEY : options.apiKey
  const names: string[] = []
  let server: QdrantServer | undefined
  let client: QdrantClient | undefined
  const current = <T>(value: T | undefined): T => {
    if (value === undefined)
      throw new Error('The server exists in tests and hooks only, and is one of our own without QDRANT_URL.')
    return value
  }
  beforeAll(async () => {
    if (!given) server = await startQdrantServer(options)
    client = connect(given ?? current(server).url, apiKey)
  })
  afterAll(async () => {
    if (given) for (const name of names) await current(client).deleteCollection(name)
    await server?.[Symbol.asyncDispose]()
    server = undefined
    client = undefined
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

function connect(url: string, apiKey: string | undefined): QdrantClient {
  return new QdrantClient({ url, checkCompatibility: false, ...(apiKey === undefined ? {} : { apiKey }) })
}
