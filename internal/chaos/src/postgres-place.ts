import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from '@drover/core'
import pg from 'pg'
import type { Head } from './herd.js'
import { plainRow } from './plain-row.js'

/** Where a trial lives in a database: a schema of its own, with the herd in its table `heads`. Its directory says where. */
export interface PostgresPlace {
  readonly connection: string
  readonly schema: string
}

const note = 'postgres.json'

/** Makes the schema that trials are copied from, in the database of `DATABASE_URL`. */
export async function prepareHerd(directory: string, heads: readonly Head[]): Promise<void> {
  const connection = process.env.DATABASE_URL
  if (connection === undefined) throw new Error('The variable DATABASE_URL says where the pairs of PostgreSQL work.')
  const schema = newSchema()
  await connected(connection, async (client) => {
    await client.query(`CREATE SCHEMA ${schema}; SET search_path = ${schema}`)
    await client.query('CREATE TABLE heads (id int PRIMARY KEY, text text, big bigint, score float8, payload bytea)')
    await client.query(
      'INSERT INTO heads SELECT * FROM unnest($1::int[], $2::text[], $3::bigint[], $4::float8[], $5::bytea[])',
      (['id', 'text', 'big', 'score', 'payload'] as const).map((name) => heads.map((head) => given(head[name]))),
    )
  })
  writeFileSync(join(directory, note), JSON.stringify({ connection, schema }))
}

/** Copies the herd into a schema for the trial in this directory. @param sql What else is to be there */
export async function beginTrial(directory: string, sql = ''): Promise<AsyncDisposable> {
  const { connection, schema: herd } = placeOf(directory)
  const schema = newSchema()
  await connected(connection, (client) =>
    client.query(
      `CREATE SCHEMA ${schema}; SET search_path = ${schema};
       CREATE TABLE heads (LIKE ${herd}.heads INCLUDING ALL); INSERT INTO heads SELECT * FROM ${herd}.heads; ${sql}`,
    ),
  )
  writeFileSync(join(directory, note), JSON.stringify({ connection, schema }))
  return {
    [Symbol.asyncDispose]: async () =>
      void (await connected(connection, (client) => client.query(`DROP SCHEMA ${schema} CASCADE`))),
  }
}

export function placeOf(directory: string): PostgresPlace {
  return JSON.parse(readFileSync(join(directory, note), 'utf8')) as PostgresPlace
}

/** Rows of the trial's schema, by another way than the adapter's. */
export async function rowsAt(directory: string, sql: string): Promise<Row[]> {
  const { connection, schema } = placeOf(directory)
  const { rows } = await connected(connection, async (client) => {
    await client.query(`SET search_path = ${schema}`)
    return await client.query<Row>(sql)
  })
  return rows.map(plainRow)
}

export async function headsAt(directory: string): Promise<Head[]> {
  return (await rowsAt(directory, 'SELECT * FROM heads')) as Head[]
}

async function connected<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString, application_name: 'drover chaos' })
  client.setTypeParser(pg.types.builtins.INT8, (text: string) => BigInt(text))
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function newSchema(): string {
  return `chaos_${randomBytes(6).toString('hex')}`
}

function given(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Uint8Array ? Buffer.from(value) : value
}
