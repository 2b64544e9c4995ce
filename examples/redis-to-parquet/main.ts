import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { formatReport } from '@drover/core'
import { startRedis } from '@drover-internal/redis-server'
import { Redis } from 'ioredis'
import { keysByType, longestThreads } from './ask-duckdb.js'
import { keysOf, writeCheckpoints, writeOtherKeys } from './checkpoint-keys.js'
import { exportCheckpoints } from './export-checkpoints.js'

const { values } = parseArgs({
  options: { folder: { type: 'string' }, threads: { type: 'string', default: '5000' } },
})
const threads = Number(values.threads)
const outputPath = path.join(
  values.folder ?? (await mkdtemp(path.join(tmpdir(), 'drover-redis-'))),
  'checkpoints.parquet',
)

// With REDIS_URL the keys that are there are exported.
await using server = process.env.REDIS_URL ? undefined : await startRedis()
const connection = server?.url ?? process.env.REDIS_URL ?? ''
if (server !== undefined) {
  const redis = new Redis(connection)
  await writeCheckpoints(redis, threads)
  await writeOtherKeys(redis)
  redis.disconnect()
  const half = Math.floor(keysOf(threads) / 2)
  console.log(
    `— stopped on the way\n${formatReport(await exportCheckpoints({ connection, outputPath, stopAfter: half }))}\n`,
  )
}
console.log(`— to the end\n${formatReport(await exportCheckpoints({ connection, outputPath }))}\n`)

console.log('— asked by DuckDB')
console.table(await keysByType(outputPath))
if (server !== undefined) console.table(await longestThreads(outputPath))
console.log(`The file: ${outputPath}`)
