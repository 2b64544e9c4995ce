export type { SqliteLocation } from './connection/open-sqlite.js'
export type { SqliteDriver } from './connection/sqlite-connection.js'
export { type SqliteSourceOptions, sqliteSource } from './source/sqlite-source.js'
