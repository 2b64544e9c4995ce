import type { Operation, Row, Source, SourceSession } from '@drover/core'
import { openPostgres } from '../connection/open-postgres.js'
import type { PostgresLocation } from '../connection/postgres-location.js'
import { quoteText } from '../connection/quote-name.js'
import { connectSource } from '../source/source-session.js'
import { type StateLocation, stateTables } from '../state/state-tables.js'
import { type ImageTable, imageTable } from './image-table.js'
import { undoneRun } from './undone-run.js'

export interface ImagesSourceOptions {
  readonly name: string
  readonly location: PostgresLocation
  readonly state: StateLocation
  /** Id or name. */
  readonly run: string
}

/** One row that a run changed. */
export interface ImageRecord {
  /** Place of its first image: the chunk's number and the place in it, negative, so that what was written last comes first. */
  readonly chunk: number
  readonly at: number
  /** The chunk of its last image. */
  readonly last: number
  readonly key: string
  /** Null for a row that was inserted. */
  readonly image: string | null
  readonly after: string
}

/** Each row that a run changed, once: what it was before the first change, and the code of what the last one made of it. */
export function imagesSource(options: ImagesSourceOptions): Source<Row> {
  return {
    specVersion: 1,
    name: options.name,
    connect: (operation) => connect(options, operation),
  }
}

async function connect(
  { location, state, run: wanted }: ImagesSourceOptions,
  operation: Operation,
): Promise<SourceSession<Row>> {
  const table = imageTable(state)
  const run = await findRun(location, state, table, wanted, operation)
  return await connectSource<Row>({ ...location, ...reading(table, run) }, operation)
}

async function findRun(
  location: PostgresLocation,
  state: StateLocation,
  table: ImageTable,
  wanted: string,
  operation: Operation,
): Promise<string> {
  await using database = await openPostgres({ ...location, readonly: true }, operation)
  await using connection = await database.connect(operation)
  return await undoneRun(connection, stateTables(state), table, wanted)
}

function reading({ images }: ImageTable, run: string): { query: string; key: string[]; isKeyed: true } {
  const chunks = `${images} AS i`
  const ofRun = `i.run = ${quoteText(run)}`
  return {
    // Keys are rarely written twice: only those that were are looked up again.
    query: `WITH repeated AS MATERIALIZED (
        SELECT u.key, min(i.ordinal) AS first, max(i.ordinal) AS last FROM ${chunks}, unnest(i.keys) AS u (key)
        WHERE ${ofRun} GROUP BY u.key HAVING count(*) > 1),
      latest AS MATERIALIZED (
        SELECT r.key, r.first, r.last, u.after FROM repeated AS r JOIN ${chunks} ON i.ordinal = r.last,
          unnest(i.keys, i.afters) AS u (key, after) WHERE u.key = r.key)
      SELECT -i.ordinal AS chunk, -u.at AS at, u.key, u.image, coalesce(l.after, u.after)::text AS after, coalesce(l.last, i.ordinal) AS last
      FROM ${chunks} CROSS JOIN unnest(i.keys, i.images, i.afters) WITH ORDINALITY AS u (key, image, after, at)
        LEFT JOIN latest AS l ON l.key = u.key
      WHERE ${ofRun} AND (l.key IS NULL OR l.first = i.ordinal)`,
    key: ['chunk', 'at'],
    isKeyed: true,
  }
}
