import { anything, choice, either, filter, flag, list, map, names, object, text, whole } from '../shape/shape.js'
import { beforeImages } from './before-images.js'
import { onConflict } from './on-conflict.js'
import type { StoreType } from './store-type.js'

const location = {
  connection: either(
    [text(), map(anything())],
    'postgres://user:password@host:port/database, or a configuration of pg. Default: the variable DATABASE_URL.',
  ),
  statementTimeoutMs: whole(0, 'How long one statement may take, in milliseconds; 0 is without end.'),
  lockTimeoutMs: whole(0, 'How long a statement may wait for a lock, in milliseconds; 0 is without end.'),
  applicationName: text("How Drover's connections show up in pg_stat_activity. Default: drover."),
}
const state = {
  stateSchema: text("The schema that Drover's own tables are in. Default: the first of search_path."),
  tablePrefix: text('What their names begin with. Default: drover_.'),
}

export const postgres: StoreType = {
  package: '@drover/adapter-postgres',
  drivers: ['pg'],
  roles: {
    source: {
      factory: 'postgresSource',
      options: object(
        {
          ...location,
          table: text('The table or view to read, with its schema in front if need be. Give either table or query.'),
          query: text('A SELECT to read; it needs key.'),
          key: names('The column, or the columns in order, that identify a record. Default: the primary key.'),
          columns: list(text(), 'The columns to read, in this order. Default: all.', 1),
          where: filter('Which records to read.'),
          json: choice(
            ['value', 'text'],
            'What json and jsonb columns are: parsed, or as they are printed. Default: value.',
          ),
          snapshot: flag('Read everything as it stood when the session began. Default: false.'),
          catchUp: flag(
            'Read at the end what was committed meanwhile behind the place where the run was. Default: false.',
          ),
          newColumns: choice(
            ['fail', 'ignore'],
            'What happens if the table gets a column while it is read. Default: fail.',
          ),
          count: choice(['exact', 'estimate'], "How the progress line's total is found. Default: exact."),
          longestReadMs: whole(
            0,
            'How long one statement reads before another one goes on, in milliseconds. Default: 60000.',
          ),
          name: text("Names the source in reports and in the run's fingerprint."),
        },
        [],
        'Reads a table, a view or a query of a PostgreSQL database.',
      ),
    },
    sink: {
      factory: 'postgresSink',
      options: object(
        {
          ...location,
          ...state,
          table: text('The table to write to, with its schema in front if need be.'),
          key: names("The column, or the columns, that identify a row. Default: the table's primary key."),
          onConflict,
          ...beforeImages,
          createTable: flag('Create the table if it is not there. Default: true.'),
          coerce: list(text(), 'Fields that may be converted to the type of their column.'),
          invalidText: choice(['refuse', 'escape'], 'U+0000 and halves of surrogate pairs in texts. Default: refuse.'),
          json: choice(['text', 'value'], 'What a string is for a json or jsonb column.'),
          newColumns: choice(['fail', 'ignore', 'add'], 'What becomes of a field without a column. Default: fail.'),
          indexes: choice(
            ['keep', 'after', 'after-always'],
            "What becomes of the table's secondary indexes meanwhile. Default: keep.",
          ),
          batchSize: whole(1, 'Records of one transaction. Default: 20000.'),
        },
        ['table'],
        'Writes into a table of a PostgreSQL database by COPY, exactly once.',
      ),
    },
    signal: {
      factory: 'postgresHealth',
      options: object(
        {
          ...location,
          replicaLagMs: whole(0, 'How far the standby that is farthest behind may be behind, in milliseconds.'),
          lockWaits: whole(0, 'How many sessions of the server may wait for a lock.'),
          walBytesPerSecond: whole(0, 'How much write-ahead log the server may write per second, in bytes.'),
          activeTransactions: whole(0, 'How many transactions may be open on the server.'),
        },
        [],
        'Slows down for a PostgreSQL server that is behind or busy.',
      ),
    },
    undo: {
      factory: 'postgresUndo',
      options: object({ ...location, ...state, run: text(), batchSize: whole(1) }, ['run']),
    },
    state: {
      factory: 'postgresStateStore',
      options: object(
        { ...location, ...state, retentionDays: whole(0, 'How long completed runs are kept, in days. Default: 90.') },
        [],
        'Keeps runs in a PostgreSQL database.',
      ),
    },
  },
}
