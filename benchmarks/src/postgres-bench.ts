import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type PostgresServer, startPostgres } from '@drover-internal/postgres-server'
import type { Bench } from './drover.js'

const run = promisify(execFile)

export const messagesTable = `CREATE TABLE messages (
  id bigint PRIMARY KEY,
  thread_id text NOT NULL,
  role text NOT NULL,
  content text NOT NULL,
  token_count integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  metadata jsonb
)`

/** A server of the benchmarks' own, with the sample in its database `sample`. */
export interface PostgresBench extends AsyncDisposable {
  readonly server: PostgresServer
  /** Of a database of the server. */
  url(database: string): string
  /** Runs SQL by psql and gives what it prints. */
  psql(database: string, sql: string): Promise<string>
  /** Makes the database anew: empty, with the table but without rows, or with all of them. */
  renew(database: string, from: 'template0' | 'empty' | 'sample'): Promise<void>
}

/**
 * Starts the server and fills it. It waits for disks as any server does; a checkpoint begins when a contest says so, so that it hits
 * nobody by chance.
 */
export async function postgresBench({ database, rows }: Bench): Promise<PostgresBench> {
  const server = await startPostgres({
    settings: {
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      shared_buffers: '1GB',
      max_wal_size: '32GB',
      checkpoint_timeout: '1h',
      autovacuum: 'off',
    },
  })
  let hasRole = false
  const url = (name: string): string => {
    const of = new URL(server.url)
    of.pathname = `/${name}`
    // pgloader reads no percent-encoded passwords.
    if (hasRole) [of.username, of.password] = ['bench', 'bench']
    return of.href
  }
  const psql = async (name: string, sql: string): Promise<string> => {
    const commands = sql.split(';').flatMap((one) => (one.trim() === '' ? [] : ['-c', one]))
    const { stdout } = await run('psql', ['-qAtX', '-v', 'ON_ERROR_STOP=1', url(name), ...commands])
    return stdout.trim()
  }
  const renew: PostgresBench['renew'] = async (name, from) => {
    await psql(
      'postgres',
      `DROP DATABASE IF EXISTS ${name} WITH (FORCE); CREATE DATABASE ${name} TEMPLATE ${from}; CHECKPOINT`,
    )
  }
  try {
    await psql('postgres', "CREATE ROLE bench SUPERUSER LOGIN PASSWORD 'bench'")
    hasRole = true
    await renew('empty', 'template0')
    await psql('empty', messagesTable)
    await renew('sample', 'empty')
    await run('sh', [
      '-c',
      `sqlite3 -csv "${database}" "SELECT * FROM messages" | psql -qX "$0" -c "COPY messages FROM STDIN CSV"`,
      url('sample'),
    ])
    await psql('sample', 'VACUUM (FREEZE, ANALYZE) messages')
    const count = await psql('sample', 'SELECT count(*) FROM messages')
    if (count !== String(rows)) throw new Error(`The sample in PostgreSQL has ${count} rows instead of ${rows}.`)
    return { server, url, psql, renew, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}
