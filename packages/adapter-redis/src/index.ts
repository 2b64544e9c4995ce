export type { RedisClusterNodes, RedisLocation } from './connection/redis-location.js'
