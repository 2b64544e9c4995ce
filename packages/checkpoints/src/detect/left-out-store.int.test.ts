import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Warning } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { afterAll, expect, test } from 'vitest'
import { checkpointSource } from '../checkpoint-source.js'
import { runSqlite } from '../layouts/langchain/testing/run-sqlite.js'
import { RedisReader } from '../layouts/redis/redis-reader.js'
import { setDocument } from '../layouts/redis/testing/redis-fixtures.js'
import { copyStore, restore } from '../layouts/sql/testing/fixtures.js'
import type { StorePlace } from '../layouts/store-place.js'
import { storeKeys } from './left-out-store.js'

const folder = mkdtempSync(path.join(tmpdir(), 'drover-store-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function warningsOf(place: StorePlace): Promise<readonly Warning[]> {
  const { signal } = new AbortController()
  const warnings: Warning[] = []
  const session = await checkpointSource({ place }).connect({ signal, warn: (warning) => warnings.push(warning) })
  await session[Symbol.asyncDispose]()
  return warnings
}

test('tables of the store beside checkpoints in SQLite are named with their rows, and only if there are any', async () => {
  const filename = path.join(folder, 'agents.db')
  const place = { type: 'sqlite', filename } as const
  await copyStore('sqlite', filename)
  expect(await warningsOf(place)).toEqual([])
  await runSqlite(
    filename,
    'CREATE TABLE store (prefix text NOT NULL, key text NOT NULL, value text NOT NULL, PRIMARY KEY (prefix, key))',
    'CREATE TABLE store_vectors (prefix text, key text, field_name text, embedding BLOB, PRIMARY KEY (prefix, key, field_name))',
  )
  expect(await warningsOf(place)).toEqual([])
  await runSqlite(filename, `INSERT INTO store VALUES ('users.1', 'name', '"Ada"'), ('users.2', 'name', '"Bo"')`)
  expect(await warningsOf(place)).toMatchObject([
    {
      code: 'TABLES',
      message: expect.stringMatching(/BaseStore\) .* is not read: table "store" with 2 rows\. Move it/),
    },
  ])
})

describePostgres('a store beside checkpoints in PostgreSQL', () => {
  const database = useDatabase()

  test('is named with its rows, in either language, and a table that is called so is none', async () => {
    await restore('postgres', database)
    const place = { type: 'postgres', connection: database.url } as const
    await database.query('CREATE TABLE store (id int PRIMARY KEY, key text, city text)')
    await database.query(`INSERT INTO store VALUES (1, 'a', 'Oslo')`)
    expect(await warningsOf(place)).toEqual([])
    await database.query(`DROP TABLE store;
      CREATE TABLE store (namespace_path text, key text, value jsonb, PRIMARY KEY (namespace_path, key));
      CREATE TABLE store_vectors (namespace_path text, key text, field_path text, embedding text);
      INSERT INTO store SELECT 'a', i::text, '{}' FROM generate_series(1, 100001) AS i;
      INSERT INTO store_vectors VALUES ('a', '1', 'text', '[1]')`)
    expect(await warningsOf(place)).toMatchObject([
      {
        code: 'TABLES',
        message: expect.stringContaining('table "store" with more than 100000 rows, table "store_vectors" with 1 rows'),
      },
    ])
  })
})

describeRedis('a store beside checkpoints in Redis', () => {
  const database = useRedis()

  test('is counted by its documents, which have a prefix and a key', async () => {
    const { signal } = new AbortController()
    const place = { type: 'redis', connection: database.url } as const
    await setDocument(database.client, 'store:shop', '{"city":"Oslo"}', 'text')
    await using reader = await RedisReader.open('langgraph-redis', { place }, 'text', { signal })
    expect(await storeKeys(reader, { signal })).toEqual([])
    await database.client.flushdb()
    for (const id of ['01', '02', '03']) {
      await setDocument(database.client, `store:${id}`, `{"prefix":"users","key":"${id}","value":{}}`, 'text')
    }
    await setDocument(database.client, 'store_vectors:01', '{"prefix":"users","key":"01","embedding":[1]}', 'text')
    expect(await storeKeys(reader, { signal })).toEqual(['3 documents "store:*"', '1 documents "store_vectors:*"'])
  })
})
