export { type Opening, openRedis } from './connection/open-redis.js'
export type { Reply } from './connection/raw-command.js'
export type {
  ClusterMember,
  KeyedCommand,
  RedisConnection,
  ServerInfo,
  Topology,
} from './connection/redis-connection.js'
export type { RedisClusterNodes, RedisLocation } from './connection/redis-location.js'
export type { CommandLine, RedisNode } from './connection/redis-node.js'
export { redisError } from './errors/redis-error.js'
export { type RedisHealthOptions, redisHealth } from './health/redis-health.js'
export { type RedisSinkOptions, redisSink } from './sink/redis-sink.js'
export type {
  RedisBytesField,
  RedisBytesRecord,
  RedisEntry,
  RedisHash,
  RedisJson,
  RedisList,
  RedisPendingEntry,
  RedisRecord,
  RedisScored,
  RedisSet,
  RedisSortedSet,
  RedisStream,
  RedisStreamEntry,
  RedisStreamGroup,
  RedisStreamValue,
  RedisString,
  RedisType,
} from './source/redis-record.js'
export {
  type RedisBytesRecordOf,
  type RedisRecordOf,
  type RedisSourceOptions,
  redisSource,
} from './source/redis-source.js'
export { type RedisStateStoreOptions, redisStateStore } from './state/redis-state-store.js'
