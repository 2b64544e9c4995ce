import { parseArgs } from 'node:util'
import { formatReport, formatVerification } from '@drover/core'
import { createDatabase, startPostgres } from '@drover-internal/postgres-server'
import { startRedis } from '@drover-internal/redis-server'
import { Redis } from 'ioredis'
import { writeSampleKeys } from './sample-keys.js'
import { compare, toPostgres, toRedis } from './there-and-back.js'

const { values } = parseArgs({ options: { users: { type: 'string', default: '10000' } } })

await using postgres = process.env.DATABASE_URL ? undefined : await startPostgres()
await using database = await createDatabase(postgres?.url ?? process.env.DATABASE_URL ?? '', 'drover_example')
await using server = await startRedis()
const places = { redis: `${server.url}/0`, postgres: database.url, copy: `${server.url}/1` }

const redis = new Redis(places.redis)
await writeSampleKeys(redis, Number(values.users))
redis.disconnect()

console.log(`— Redis → PostgreSQL\n${formatReport(await toPostgres(places))}\n`)
console.table(
  await database.query(`
    SELECT type, count(*)::int AS keys, count(expires_at)::int AS expire,
      pg_size_pretty(sum(pg_column_size(value))) AS size
    FROM redis_keys GROUP BY type ORDER BY type`),
)
console.log(`\n— PostgreSQL → Redis, another database\n${formatReport(await toRedis(places))}\n`)
const verification = await compare(places)
console.log(`— the two databases\n${formatVerification(verification)}`)
if (!verification.equal) process.exitCode = 1
