// node --conditions=@drover/source --import tsx internal/fidelity/write-page.ts
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { startPostgres } from '@drover-internal/postgres-server'
import { startQdrantServer } from '@drover-internal/qdrant-server'
import { startRedis } from '@drover-internal/redis-server'
import { copyAll } from './src/copy-all.js'
import { fidelityPage } from './src/page.js'

await using server = process.env.DATABASE_URL ? undefined : await startPostgres({ inMemory: true })
await using redis = await startRedis()
await using qdrant = await startQdrantServer()
const postgres = server?.url ?? process.env.DATABASE_URL ?? ''
const page = fidelityPage(await copyAll({ postgres, redis: redis.url, qdrant: qdrant.url }))
writeFileSync(path.resolve(import.meta.dirname, '../../docs/fidelity.md'), page)
