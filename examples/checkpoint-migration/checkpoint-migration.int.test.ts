import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { runCommandLine } from '@drover/cli'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { useRedis } from '@drover-internal/redis-server/vitest'
import knex from 'knex'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EmbeddingEndpoint, embeddingEndpoint } from './embedding-endpoint.js'
import { type MigrationName, migrations } from './migrations.js'
import { conversation, fillPostgres, fillRedis, fillSqlite } from './stores.js'

const messages = conversation(20)

describePostgres('the four examples of the migration tool', () => {
  const postgres = useDatabase()
  const redis = useRedis()
  const qdrant = useQdrant()
  let folder: string
  let endpoint: EmbeddingEndpoint
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'drover-checkpoints-'))
    process.chdir(folder)
    endpoint = await embeddingEndpoint()
    const database = knex({ client: 'pg', connection: postgres.url })
    await fillPostgres(database, 'chat_history', messages)
    await fillPostgres(database, 'chat_message_history', messages)
    await database.destroy()
    const file = knex({ client: 'better-sqlite3', connection: { filename: 'checkpoints.db' }, useNullAsDefault: true })
    await fillSqlite(file, messages)
    await file.destroy()
    await fillRedis(redis.client, 'checkpoint:', messages)
  })
  afterAll(async () => {
    await qdrant.client.deleteCollection('checkpoints')
    await qdrant.client.deleteCollection('migrated_checkpoints')
    await endpoint[Symbol.asyncDispose]()
    process.chdir(tmpdir())
    await rm(folder, { recursive: true })
  })

  async function run(name: MigrationName, ...more: string[]): Promise<string> {
    const sqlite = path.join(folder, 'checkpoints.db')
    const places = { postgres: postgres.url, sqlite, redis: redis.url, qdrant: qdrant.url, folder }
    let said = ''
    const stream = new Writable({
      write(chunk, _, done) {
        said += String(chunk)
        done()
      },
    })
    const code = await runCommandLine([...migrations(places)[name].args, ...more], {
      stdout: stream,
      stderr: stream,
      env: { ...process.env, OPENAI_API_KEY: 'none', OPENAI_BASE_URL: endpoint.url },
      signals: process,
      exit: () => {},
    })
    expect(code, said).toBe(0)
    return said
  }

  it('PostgreSQL to unified memory: a point for each message, and none twice', async () => {
    expect(await run('unified')).toContain('60 read = 60 written')
    expect(await run('unified')).toContain('nothing to do')
    await run('unified', '--again', 'full')
    expect((await qdrant.client.count('checkpoints', { exact: true })).count).toBe(60)
  })

  it('SQLite to JSON: files of batches, with calls of tools and content that is a list', async () => {
    expect(await run('json')).toContain('60 read = 60 written')
    expect(readdirSync('exports').filter((name) => name.endsWith('.json'))).toEqual([
      'checkpoints_export_batch_0001.json',
    ])
    const { checkpoints } = JSON.parse(readFileSync('exports/checkpoints_export_batch_0001.json', 'utf8')) as {
      readonly checkpoints: readonly { readonly content: unknown; readonly tool_calls?: unknown }[]
    }
    expect(checkpoints).toHaveLength(60)
    expect(checkpoints.filter(({ content }) => Array.isArray(content))).toHaveLength(15)
    expect(checkpoints.filter(({ tool_calls }) => Array.isArray(tool_calls) && tool_calls.length > 0)).toHaveLength(15)
  })

  it('Redis to Parquet: one file', async () => {
    expect(await run('parquet')).toContain('60 read = 60 written')
    expect(readFileSync('data.parquet').subarray(-4).toString()).toBe('PAR1')
  })

  it('a YAML configuration: looked at first, then the threads and the time that it chooses, with vectors', async () => {
    const dry = await run('config', '--dry-run')
    expect(dry).toMatch(/total records[\s\S]*connectivity {4}source .*: reached\n +destination .*: reached/)
    expect(endpoint.asked()).toBe(0)
    expect((await qdrant.client.collectionExists('migrated_checkpoints')).exists).toBe(false)
    const chosen = messages.filter(({ session, at }) => session.startsWith('customer-') && at >= '2025-01-01')
    expect(await run('config')).toContain(`${chosen.length} written`)
    const { points } = await qdrant.client.scroll('migrated_checkpoints', { limit: 100, with_vector: true })
    expect(points).toHaveLength(chosen.length)
    expect(endpoint.asked()).toBeGreaterThan(0)
    expect(JSON.stringify(points[0]?.payload)).toContain('migrated_at')
    const { config } = await qdrant.client.getCollection('migrated_checkpoints')
    expect(config.params.vectors).toMatchObject({ size: 1536, distance: 'Cosine' })
  })
})
