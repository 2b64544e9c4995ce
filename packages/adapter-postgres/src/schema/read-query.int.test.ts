import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgres, type PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { readQuery } from './read-query.js'

const operation = { signal: new AbortController().signal }

describePostgres('the columns of a query', () => {
  const database = useDatabase()
  let opened: PostgresDatabase
  let connection: PostgresConnection

  beforeAll(async () => {
    await database.query('CREATE TABLE messages (id bigint PRIMARY KEY, content text NOT NULL, price numeric(10,2))')
    await database.query(`INSERT INTO messages VALUES (1, 'hello', 1.50)`)
    opened = await openPostgres({ connection: database.url, readonly: true }, operation)
    connection = await opened.connect(operation)
  })
  afterAll(async () => {
    await connection[Symbol.asyncDispose]()
    await opened[Symbol.asyncDispose]()
  })

  it('are known without running it', async () => {
    const table = await readQuery(
      connection,
      `SELECT id, price, ARRAY[id] AS ids, now() AS "at", pg_sleep(100)::text AS "sl""ept" FROM messages ORDER BY id -- newest last`,
    )
    expect(table).toMatchObject({
      kind: 'query',
      columns: [
        { name: 'id', type: { kind: 'int', bits: 64 }, native: 'bigint', isNullable: true },
        { name: 'price', type: { kind: 'decimal', precision: 10, scale: 2 }, native: 'numeric(10,2)' },
        { name: 'ids', type: { kind: 'list', of: { kind: 'int', bits: 64 } }, wire: { base: 'array' } },
        { name: 'at', type: { kind: 'timestamp', zone: true } },
        { name: 'sl"ept', type: { kind: 'text' } },
      ],
    })
    expect(
      (
        await connection.query(
          `SELECT count(*) AS n FROM ${(await readQuery(connection, 'SELECT 1 AS a;;\n')).sql} AS q`,
        )
      ).rows,
    ).toEqual([{ n: 1 }])
  })

  it.each([
    ['SELECT * FROM mesages', 'SOURCE_NOT_FOUND', /relation "mesages" does not exist/],
    ['SELECT contents FROM messages', 'SOURCE_NOT_FOUND', /column "contents" does not exist/],
    ['SELECT 1 AS a, 2 AS a', 'OPTION_INVALID', /two of its columns are called "a"/],
    ['SELEKT 1', 'OPTION_INVALID', /syntax error/],
    ['DELETE FROM messages', 'OPTION_INVALID', /syntax error/],
    ['SELECT 1 AS a) AS q; DROP TABLE messages; SELECT * FROM (SELECT 1 AS a', 'OPTION_INVALID', /multiple commands/],
    ['SELECT FROM messages', 'OPTION_INVALID', /gives no columns/],
  ])('are none: %s', async (query, code, message) => {
    await expect(readQuery(connection, query)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})
