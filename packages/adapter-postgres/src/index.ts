export type { PostgresKnex, PostgresPool } from './connection/given-pool.js'
export type { PostgresConfig, PostgresLocation } from './connection/postgres-location.js'
export { type PostgresSourceOptions, postgresSource } from './source/postgres-source.js'
