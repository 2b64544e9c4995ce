import { join } from 'node:path'
import { type PostgresSinkOptions, postgresSink, postgresSource } from '@drover/adapter-postgres'
import { ndjsonSink, ndjsonSource, type Row } from '@drover/core'
import { herd, herdSize, type Journey, ride, sing, walk } from '../herd.js'
import { beginTrial, headsAt, placeOf, prepareHerd, rowsAt } from '../postgres-place.js'
import { rowsOf } from '../read-source.js'
import { type PipelineStores, pipelinePair } from './pipeline-pair.js'
import { fromSqlite, toSqlite } from './pipelines.js'

const fromPostgres = {
  prepare: (directory, random) => prepareHerd(directory, herd(random)),
  begin: beginTrial,
  heads: headsAt,
  source: (directory) => {
    const { connection, schema } = placeOf(directory)
    return postgresSource({ connection, table: `${schema}.heads` })
  },
} satisfies Partial<PipelineStores>

/** Into a table of the trial's schema. */
function toPostgres(options: Partial<PostgresSinkOptions> = {}) {
  return {
    sink: (directory: string) => {
      const { connection, schema } = placeOf(directory)
      return postgresSink({ connection, table: `${schema}.arrived`, stateSchema: schema, ...options })
    },
    rows: (directory: string) => rowsAt(directory, 'SELECT * FROM arrived'),
  }
}

/** The file of SQLite is what is read; the table that stands in the database too is not looked at. */
const fromSqliteBeside = {
  ...fromSqlite,
  prepare: async (directory, random) => {
    await fromSqlite.prepare(directory, random)
    await prepareHerd(directory, [])
  },
  begin: beginTrial,
} satisfies Partial<PipelineStores>

/** A table of which every second row is there, and which counts how often each was updated. */
const half = `
  CREATE TABLE arrived (
    id int, part int, text text, big bigint, score float8, payload bytea, updates int DEFAULT 0, PRIMARY KEY (id, part)
  );
  INSERT INTO arrived (id, part, text) SELECT id, 0, 'before' FROM generate_series(2, ${herdSize}, 2) AS id;
  CREATE FUNCTION count_update() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.updates := OLD.updates + 1; RETURN NEW; END $$;
  CREATE TRIGGER updates BEFORE UPDATE ON arrived FOR EACH ROW EXECUTE FUNCTION count_update();`

/** Whoever finds a row replaces it, once; the others stay as they were. */
const meet: Journey = {
  ...walk,
  arrived: (heads) => {
    const walked = walk.arrived(heads)
    const gone = new Set(walked.map(({ id }) => id))
    const stayed = heads.filter((head) => isThere(head) && !gone.has(head.id))
    return [
      ...walked.map((row) => ({ ...row, updates: isThere(row) && row.part === 0 ? 1 : 0 })),
      ...stayed.map(({ id }) => ({ id, part: 0, text: 'before', big: null, score: null, payload: null, updates: 0 })),
    ]
  },
}

function isThere({ id }: Row): boolean {
  return Number(id) % 2 === 0
}

/** A table of the user's, with more in it than the key. */
const built = `
  CREATE TABLE arrived (LIKE heads INCLUDING ALL);
  CREATE INDEX ON arrived (text);
  ALTER TABLE arrived ADD CHECK (id > 0), ADD UNIQUE (big, id);`

export const postgresPipelines = {
  'sqlite-postgres': pipelinePair({ ...fromSqliteBeside, ...toPostgres(), parallel: 2 }),
  'sqlite-postgres-upsert': pipelinePair({
    ...fromSqliteBeside,
    ...toPostgres({ onConflict: 'update' }),
    begin: (directory) => beginTrial(directory, half),
    journey: meet,
  }),
  'postgres-raw': pipelinePair({ ...fromPostgres, ...toPostgres(), journey: ride }),
  'postgres-raw-upsert': pipelinePair({
    ...fromPostgres,
    ...toPostgres({ onConflict: 'update' }),
    begin: (directory) => beginTrial(directory, built),
    journey: ride,
    parallel: 2,
  }),
  'postgres-field': pipelinePair({
    ...fromPostgres,
    ...toPostgres({ createTable: false }),
    begin: (directory) => beginTrial(directory, built),
    journey: sing,
  }),
  'postgres-partitions': pipelinePair({ ...fromPostgres, ...toPostgres(), journey: ride, parallel: 3 }),
  'postgres-steps': pipelinePair({ ...fromPostgres, ...toPostgres(), parallel: 2 }),
  'postgres-sqlite': pipelinePair({ ...fromPostgres, ...toSqlite('copy.db'), parallel: 2 }),
  'postgres-ndjson': pipelinePair({
    ...fromPostgres,
    sink: (directory) => ndjsonSink({ path: join(directory, 'out.ndjson') }),
    rows: (directory) => rowsOf(ndjsonSource({ path: join(directory, 'out.ndjson') })),
    parallel: 2,
  }),
}
