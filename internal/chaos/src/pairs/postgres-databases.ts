import { postgresDatabase } from '@drover/adapter-postgres'
import type { CrashPair } from '@drover/conformance/crash'
import { beginTrial, placeOf, prepareHerd, rowsAt } from '../postgres-place.js'
import { databasePair, prepare } from './databases.js'

const keysInSchema = `
  SELECT a.attname AS key, c.relname AS t FROM pg_constraint AS f JOIN pg_class AS c ON c.oid = f.conrelid
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = f.conkey[1]
  WHERE f.contype = 'f' AND f.convalidated AND f.connamespace = current_schema()::regnamespace AND c.relname IN ('heads', 'pens', 'stays')`

export const postgresDatabases = {
  'sqlite-postgres-database': databasePair({
    prepare: async (directory, random) => {
      await prepare(directory, random)
      await prepareHerd(directory, [])
    },
    begin: (directory) => beginTrial(directory, 'DROP TABLE heads'),
    to: (directory) => {
      const { connection, schema } = placeOf(directory)
      return postgresDatabase({ connection, schema, stateSchema: schema })
    },
    rows: (directory, table) => rowsAt(directory, `SELECT * FROM ${table}`),
    keys: (directory) => rowsAt(directory, keysInSchema),
  }),
} satisfies Record<string, CrashPair>
