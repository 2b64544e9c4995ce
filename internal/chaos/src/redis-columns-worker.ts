import type { CrashPair } from '@drover/conformance/crash'
import { redisColumns, redisPostgresColumns } from './pairs/redis-columns.js'

/** Between keys and columns. */
export const pairs: Readonly<Record<string, CrashPair>> = { ...redisColumns, ...redisPostgresColumns }

export const needRedis: readonly string[] = Object.keys(pairs)
export const needPostgres: readonly string[] = Object.keys(redisPostgresColumns)
