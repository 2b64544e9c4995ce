import path from 'node:path'
import { postgresBackfill, postgresSink, postgresSource } from '@drover/adapter-postgres'
import { sqliteBackfill, sqliteSink, sqliteSource } from '@drover/adapter-sqlite'
import {
  type FlowBackfillOptions,
  from,
  jsonSink,
  ndjsonSink,
  ndjsonSource,
  normalizeTimestamps,
  type PipelineOptions,
  type Row,
} from '@drover/core'

/** Where everything is. */
export interface Places {
  /** SQLite with the sample, by its number of rows. */
  readonly database: string
  /** PostgreSQL with the sample. */
  readonly from: string
  /** PostgreSQL with an empty table of the sample. */
  readonly to: string
  /** A copy of the sample in SQLite, to be changed. */
  readonly copy: string
  /** NDJSON with the sample. */
  readonly lines: string
  /** Empty. */
  readonly folder: string
}

type Options = PipelineOptions<object> | FlowBackfillOptions

const estimateTokens = (content: unknown): number => Math.max(1, Math.floor(String(content).length / 4))

/** What is forecast and then run, each into something empty. */
export const tries: Readonly<Record<string, (places: Places) => Options>> = {
  'SQLite → SQLite': ({ database, folder }) => ({
    name: 'try',
    source: sqliteSource({ filename: database, table: 'messages' }),
    sink: sqliteSink({ filename: path.join(folder, 'out.db'), table: 'messages' }),
  }),
  'SQLite → a step → SQLite': ({ database, folder }) => ({
    name: 'try',
    source: from(sqliteSource({ filename: database, table: 'messages' })).pipe((row: Row) => ({
      ...row,
      token_count: estimateTokens(row.content),
    })),
    sink: sqliteSink({ filename: path.join(folder, 'out.db'), table: 'messages', key: 'id', onConflict: 'update' }),
  }),
  'SQLite → PostgreSQL': ({ database, to }) => ({
    name: 'try',
    source: sqliteSource({ filename: database, table: 'messages' }),
    sink: postgresSink({ connection: to, table: 'messages' }),
  }),
  'SQLite → steps → PostgreSQL': ({ database, to }) => ({
    name: 'try',
    source: from(sqliteSource({ filename: database, table: 'messages' }))
      .pipe(normalizeTimestamps(['created_at']))
      .pipe((row: Row) => (Number(row.id) % 10 === 0 ? null : row)),
    sink: postgresSink({ connection: to, table: 'messages', onConflict: 'update' }),
  }),
  'SQLite → NDJSON': ({ database, folder }) => ({
    name: 'try',
    source: sqliteSource({ filename: database, table: 'messages' }),
    sink: ndjsonSink({ path: path.join(folder, 'out.ndjson') }),
  }),
  'PostgreSQL → PostgreSQL': ({ from: url, to }) => ({
    name: 'try',
    source: postgresSource({ connection: url, table: 'messages' }),
    sink: postgresSink({ connection: to, table: 'messages' }),
  }),
  'PostgreSQL → SQLite': ({ from: url, folder }) => ({
    name: 'try',
    source: postgresSource({ connection: url, table: 'messages' }),
    sink: sqliteSink({ filename: path.join(folder, 'out.db'), table: 'messages' }),
  }),
  'PostgreSQL → JSON, compressed': ({ from: url, folder }) => ({
    name: 'try',
    source: postgresSource({ connection: url, table: 'messages' }),
    sink: jsonSink({ path: path.join(folder, 'out.json.gz'), gzip: true }),
  }),
  'backfill in SQLite': ({ copy }) => ({
    backfiller: sqliteBackfill({
      name: 'try',
      filename: copy,
      table: 'messages',
      where: { token_count: { eq: 0 } },
      reads: ['content'],
      sets: ['token_count'],
      set: (row) => ({ token_count: estimateTokens(row.content) }),
    }),
  }),
  'backfill in PostgreSQL': ({ from: url }) => ({
    backfiller: postgresBackfill({
      name: 'try',
      connection: url,
      table: 'messages',
      where: { token_count: { eq: 0 } },
      reads: ['content'],
      sets: ['token_count'],
      set: (row) => ({ token_count: estimateTokens(row.content) }),
    }),
  }),
  'NDJSON → SQLite (nobody knows how many)': ({ lines, folder }) => ({
    name: 'try',
    source: ndjsonSource({ path: lines }),
    sink: sqliteSink({ filename: path.join(folder, 'out.db'), table: 'messages', key: 'id' }),
  }),
}
