import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** A database that is nobody else's, dropped when it is disposed of. */
export interface Database extends AsyncDisposable {
  readonly name: string
  readonly url: string
  /** Rows as objects, in the forms that pg gives them. */
  query<R extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<R[]>
}

/** Creates an empty database on a server. */
export async function createDatabase(serverUrl: string, prefix = 'drover_test'): Promise<Database> {
  const name = `${prefix}_${randomBytes(6).toString('hex')}`
  await onServer(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  let client: Promise<pg.Client> | undefined
  return {
    name,
    url: url.href,
    async query<R extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<R[]> {
      client ??= connect(url.href)
      const connected = await client
      const result = await (values === undefined ? connected.query<R>(sql) : connected.query<R>(sql, [...values]))
      return Array.isArray(result) ? [] : result.rows
    },
    async [Symbol.asyncDispose]() {
      if (client) await (await client).end()
      await onServer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = await connect(url)
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, application_name: 'drover test' })
  await client.connect()
  return client
}
