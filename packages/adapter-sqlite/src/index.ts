export type { BackfillReads } from './backfill/backfill-source.js'
export { type SqliteBackfillOptions, sqliteBackfill } from './backfill/sqlite-backfill.js'
export { type SqliteUpdateSinkOptions, sqliteUpdateSink } from './backfill/sqlite-update-sink.js'
export { databaseLocation } from './connection/database-location.js'
export { locationName, type OpenOptions, openSqlite, type SqliteLocation } from './connection/open-sqlite.js'
export type {
  SqliteChange,
  SqliteConnection,
  SqliteDriver,
  SqliteObjects,
  SqliteValue,
} from './connection/sqlite-connection.js'
export { type SqliteDatabaseOptions, sqliteDatabase } from './database/sqlite-database.js'
export { type SqliteHealthOptions, sqliteHealth } from './health/sqlite-health.js'
export type { OnConflict } from './sink/conflict.js'
export { type SqliteBatch, type SqliteBatchSinkOptions, sqliteBatchSink } from './sink/sqlite-batch-sink.js'
export { type SqliteSinkOptions, sqliteSink } from './sink/sqlite-sink.js'
export { type SqliteSourceOptions, sqliteSource } from './source/sqlite-source.js'
export { type SqliteStateStoreOptions, sqliteStateStore } from './state/sqlite-state-store.js'
export { type SqliteUndoOptions, sqliteUndo } from './undo/sqlite-undo.js'
export type { Synchronous, WriterLocation } from './writer/open-writer.js'
