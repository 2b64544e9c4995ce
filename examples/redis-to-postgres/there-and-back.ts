import { postgresSink, postgresSource } from '@drover/adapter-postgres'
import { type RedisRecord, redisSink, redisSource } from '@drover/adapter-redis'
import { from, type Report, runPipeline, type Verification, verify } from '@drover/core'

export interface Places {
  /** The database that is read. */
  readonly redis: string
  readonly postgres: string
  /** Another database of Redis, which gets the keys back. */
  readonly copy: string
}

/** Every key of a database of Redis as a row of the table `redis_keys`: key text, type text, value jsonb, expires_at timestamptz. */
export function toPostgres({ redis, postgres }: Places): Promise<Report> {
  return runPipeline({
    name: 'redis-to-postgres',
    source: redisSource({ connection: redis, keyPrefix: '' }),
    sink: postgresSink({ connection: postgres, table: 'redis_keys' }),
  })
}

/** Every row as a key again: of the same type, with the same value, expiring at the same moment. */
export function toRedis({ postgres, copy }: Places): Promise<Report> {
  return runPipeline({
    name: 'postgres-to-redis',
    source: postgresSource<RedisRecord>({ connection: postgres, table: 'redis_keys' }),
    sink: redisSink({ connection: copy }),
  })
}

/** Compares the two databases of Redis key by key: type, value and expiry. */
export function compare({ redis, copy }: Places): Promise<Verification> {
  const keysOf = (connection: string) => redisSource({ connection, keyPrefix: '' })
  return verify({ expected: from(keysOf(redis)), actual: keysOf(copy), key: 'key' })
}
