export { createDatabase, type Database } from './database.js'
export { type Binaries, findBinaries } from './find-binaries.js'
export { MissingPostgres, type PostgresServer, type PostgresServerOptions, startPostgres } from './postgres-server.js'
