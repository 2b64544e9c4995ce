import { choice, filter, flag, list, names, object, text, whole } from '../shape/shape.js'
import { beforeImages } from './before-images.js'
import { onConflict } from './on-conflict.js'
import type { StoreType } from './store-type.js'

const location = {
  filename: text('The database: `chat.db`, `sqlite:///relative.db`, `sqlite:////absolute.db` or a `file:` URI.'),
  driver: choice(
    ['better-sqlite3', 'sqlite3'],
    'Which driver opens it. Default: better-sqlite3 where it is installed.',
  ),
  busyTimeoutMs: whole(0, 'How long to wait for a lock that somebody else holds, in milliseconds. Default: 5000.'),
}
const writer = {
  ...location,
  synchronous: choice(['off', 'normal', 'full'], 'How much SQLite waits for the disk.'),
  tablePrefix: text("What the names of Drover's own tables begin with. Default: drover_."),
}

export const sqlite: StoreType = {
  package: '@drover/adapter-sqlite',
  drivers: ['knex', 'better-sqlite3'],
  roles: {
    source: {
      factory: 'sqliteSource',
      options: object(
        {
          ...location,
          table: text('The table to read. Give one of table, view and query.'),
          view: text('The view to read; it needs key.'),
          query: text('A SELECT to read; it needs key.'),
          key: names('The column, or the columns in order, that identify a record. Default: the primary key.'),
          columns: list(text(), 'The columns to read, in this order. Default: all.', 1),
          where: filter('Which records to read.'),
          integers: choice(['auto', 'bigint'], 'How INTEGER is read.'),
          snapshot: flag('Read everything as it stood when the session began. Default: false.'),
          name: text("Names the source in reports and in the run's fingerprint."),
        },
        ['filename'],
        'Reads a table, a view or a query of an SQLite database.',
      ),
    },
    sink: {
      factory: 'sqliteSink',
      options: object(
        {
          ...writer,
          table: text('The table to write to.'),
          key: names("The column, or the columns, that identify a row. Default: the table's primary key."),
          onConflict,
          ...beforeImages,
          createTable: flag('Create the table if it is not there. Default: true.'),
          coerce: list(text(), 'Fields that SQLite may convert to the type of their column.'),
          foreignKeys: flag('Check foreign keys. Default: true.'),
        },
        ['filename', 'table'],
        'Writes into a table of an SQLite database, exactly once.',
      ),
    },
    signal: {
      factory: 'sqliteHealth',
      options: object(
        {
          filename: location.filename,
          driver: location.driver,
          busyMs: whole(
            0,
            'How long somebody else who wants to write may have to wait for it, in milliseconds. Default: 250.',
          ),
        },
        ['filename'],
        'Slows down when those who write to the same SQLite database have to wait.',
      ),
    },
    undo: {
      factory: 'sqliteUndo',
      options: object({ ...writer, run: text(), batchSize: whole(1) }, ['run']),
    },
    state: {
      factory: 'sqliteStateStore',
      options: object(writer, ['filename'], 'Keeps runs in an SQLite database.'),
    },
  },
}
