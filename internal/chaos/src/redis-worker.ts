import type { CrashPair } from '@drover/conformance/crash'
import { redisPipelines } from './pairs/redis-pipelines.js'

/** Keys of a server at REDIS_URL, or of one that is killed now and then. */
export const pairs: Readonly<Record<string, CrashPair>> = redisPipelines

export const needRedis: readonly string[] = Object.keys(pairs)
