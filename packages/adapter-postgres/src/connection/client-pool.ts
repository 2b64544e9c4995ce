import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { DroverError, redactSecrets } from '@drover/core'
import type { ClientBase, Pool } from 'pg'
import pg from 'pg'
import type { PostgresKnex, PostgresPool } from './given-pool.js'
import type { GivenRoom } from './pool-room.js'
import type { ResolvedLocation } from './postgres-location.js'

/** Where connections come from: a pool of our own, one of the application, or a knex instance. */
export interface ClientPool {
  acquire(): Promise<ClientBase>
  /** A function gives the password anew for each connection. */
  readonly asksForPassword: boolean
  /** @param isBroken Nobody is to use it again. */
  release(client: ClientBase, isBroken: boolean): Promise<void>
  /** Closes it, if it is ours. */
  end(): Promise<void>
  /** Of one that is not ours. */
  readonly room?: GivenRoom
}

/** pg waits without end, and knex for longer than a lease lasts, for a connection of a pool whose connections are all in use. */
const longestWaitMs = 10_000

/**
 * @param applicationName For connections of our own.
 * @param waitMs For a connection of a given pool that does not say it itself.
 */
export function clientPool(
  location: ResolvedLocation,
  applicationName: string,
  waitMs: number = longestWaitMs,
): ClientPool {
  switch (location.kind) {
    case 'own':
      return ownPool({
        max: 1000,
        keepAlive: true,
        connectionTimeoutMillis: 10_000,
        ...location.target.config,
        password: guarded(location.target.config.password, location.name),
        application_name: applicationName,
      })
    case 'pool': {
      const { options } = location.pool as { readonly options?: { readonly max?: number } }
      const room = { pool: location.pool, max: options?.max }
      return { ...limited(overPool(location.pool), waitsItself(location.pool) ? 0 : waitMs), room }
    }
    case 'knex': {
      const { client } = location.knex as { readonly client: { readonly pool?: { readonly max?: number } } }
      return { ...limited(overKnex(location.knex), waitMs), room: { pool: client, max: client.pool?.max } }
    }
  }
}

function waitsItself(pool: PostgresPool): boolean {
  const { options } = pool as { readonly options?: { readonly connectionTimeoutMillis?: number } }
  return (options?.connectionTimeoutMillis ?? 0) > 0
}

function limited(pool: ClientPool, waitMs: number): ClientPool {
  if (waitMs === 0) return pool
  const acquire = (): Promise<ClientBase> =>
    new Promise((resolve, reject) => {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        reject(new Error('timeout exceeded when trying to connect')) // as pg says it
      }, waitMs)
      pool
        .acquire()
        .then((client) => (isLate ? pool.release(client, false) : resolve(client)), reject)
        .finally(() => clearTimeout(timer))
    })
  return { ...pool, acquire }
}

function ownPool(config: pg.PoolConfig): ClientPool {
  const pool: Pool = new pg.Pool({ ...config, Client: OwnClient })
  // A connection that nobody uses broke off: the pool has dropped it already, and makes another when one is asked for.
  pool.on('error', () => {})
  let ended: Promise<void> | undefined
  return {
    ...overPool(pool),
    end() {
      ended ??= pool.end()
      return ended
    },
  }
}

/** What a password function fails with may hold anything that it asked for: its words are passed on, and no more of it. */
function guarded(password: pg.PoolConfig['password'], name: string): pg.PoolConfig['password'] {
  if (typeof password !== 'function') return password
  return async () => {
    try {
      return await password()
    } catch (error) {
      if (DroverError.isInstance(error)) throw error
      const said = redactSecrets(error instanceof Error ? error.message : String(error)).replace(/\.$/, '')
      const isRetryable = (error as { readonly isRetryable?: unknown } | null)?.isRetryable === true
      throw new DroverError(
        'STORE_DENIED',
        `The password function for ${name} failed: ${said}. Mend it, or what it asks; nothing was sent to the server.`,
        { isRetryable },
      )
    }
  }
}

interface Wire extends EventEmitter {
  readonly stream: Duplex
}

/**
 * Closes the socket when a connection fails on our side, as for a password function that throws: pg leaves it open, and the server
 * waits for a minute for the password.
 */
class OwnClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    const { connection } = this as unknown as { readonly connection: Wire }
    connection.on('error', () => connection.stream.destroy())
  }
}

function overPool(pool: PostgresPool): ClientPool {
  const { options } = pool as { readonly options?: { readonly password?: unknown } }
  return {
    asksForPassword: typeof options?.password === 'function',
    acquire: () => pool.connect() as Promise<ClientBase>,
    release: async (client, isBroken) => (client as ClientBase & { release(destroy: boolean): void }).release(isBroken),
    end: async () => {},
  }
}

function overKnex({ client: knexClient }: PostgresKnex): ClientPool {
  const { connectionSettings } = knexClient as { readonly connectionSettings?: { readonly password?: unknown } }
  return {
    asksForPassword: typeof connectionSettings?.password === 'function',
    acquire: () => knexClient.acquireConnection() as Promise<ClientBase>,
    async release(client, isBroken) {
      // knex throws away what is marked so, when it would give it to the next: Client.validateConnection
      if (isBroken) Object.assign(client, { __knex__disposed: 'Drover gave the connection up' })
      await knexClient.releaseConnection(client)
    },
    end: async () => {},
  }
}
