export { type Binaries, findBinaries } from './find-binaries.js'
export { MissingRedis, type RedisServer, type RedisServerOptions, startRedis } from './redis-server.js'
