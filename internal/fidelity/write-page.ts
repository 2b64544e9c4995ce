// node --conditions=@drover/source --import tsx internal/fidelity/write-page.ts
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { startPostgres } from '@drover-internal/postgres-server'
import { startRedis } from '@drover-internal/redis-server'
import { copyAll } from './src/copy-all.js'
import { fidelityPage } from './src/page.js'

await using server = process.env.DATABASE_URL ? undefined : await startPostgres({ inMemory: true })
await using redis = await startRedis()
const page = fidelityPage(await copyAll({ postgres: server?.url ?? process.env.DATABASE_URL ?? '', redis: redis.url }))
writeFileSync(path.resolve(import.meta.dirname, '../../docs/fidelity.md'), page)
