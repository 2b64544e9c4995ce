import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runCommandLine } from '@drover/cli'
import { startPostgres } from '@drover-internal/postgres-server'
import { startQdrantServer } from '@drover-internal/qdrant-server'
import { startRedis } from '@drover-internal/redis-server'
import { Redis } from 'ioredis'
import knex from 'knex'
import { embeddingEndpoint } from './embedding-endpoint.js'
import { migrations } from './migrations.js'
import { conversation, fillPostgres, fillRedis, fillSqlite } from './stores.js'

const folder = await mkdtemp(path.join(tmpdir(), 'drover-checkpoints-'))
process.chdir(folder)

await using postgres = await startPostgres()
await using redisServer = await startRedis()
await using qdrant = await startQdrantServer()
await using endpoint = await embeddingEndpoint()
Object.assign(process.env, { OPENAI_API_KEY: 'none', OPENAI_BASE_URL: endpoint.url })

const messages = conversation(100)
const database = knex({ client: 'pg', connection: postgres.url })
await fillPostgres(database, 'chat_history', messages)
await fillPostgres(database, 'chat_message_history', messages)
await database.destroy()
const sqlite = path.join(folder, 'checkpoints.db')
const file = knex({ client: 'better-sqlite3', connection: { filename: sqlite }, useNullAsDefault: true })
await fillSqlite(file, messages)
await file.destroy()
const redis = new Redis(redisServer.url)
await fillRedis(redis, 'checkpoint:', messages)
redis.disconnect()

const all = migrations({ postgres: postgres.url, sqlite, redis: redisServer.url, qdrant: qdrant.url, folder })
console.log('— before the last one: what it would do')
await runCommandLine([...all.config.args, '--dry-run'])
for (const { title, args } of Object.values(all)) {
  console.log(`\n— ${title}`)
  process.exitCode = (await runCommandLine([...args, '--quiet'])) || process.exitCode
}
console.log(`\n${endpoint.asked()} texts were embedded. The files: ${folder}`)
