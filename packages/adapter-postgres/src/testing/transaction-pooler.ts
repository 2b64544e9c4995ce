import { EventEmitter } from 'node:events'
import pg from 'pg'
import type { PostgresPool } from '../connection/given-pool.js'

/**
 * Stands for PgBouncer in transaction mode: a connection of the server is lent for one transaction, or one statement outside of any,
 * and has forgotten everything when it is lent again.
 */
export function transactionPooler(url: string): PostgresPool & AsyncDisposable {
  const servers = new pg.Pool({ connectionString: url, max: 50 })
  return {
    totalCount: 0,
    connect: async () => new PooledClient(servers),
    [Symbol.asyncDispose]: () => servers.end(),
  }
}

class PooledClient extends EventEmitter {
  #server: pg.PoolClient | undefined

  constructor(private readonly servers: pg.Pool) {
    super()
  }

  async query(text: string): Promise<unknown> {
    const server = this.#server ?? (await this.servers.connect())
    this.#server = server
    try {
      return await server.query(text)
    } finally {
      const { _txStatus: status } = server as unknown as { readonly _txStatus: string }
      if (status === 'I') await this.#giveBack(server)
    }
  }

  release(): void {
    this.#server?.release(true)
    this.#server = undefined
  }

  async #giveBack(server: pg.PoolClient): Promise<void> {
    this.#server = undefined
    await server.query('DISCARD ALL')
    server.release()
  }
}
