import { connectionBroke, type FailureMeaning } from '@drover/core'

/** By SQLSTATE, or its class of two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export const sqlStates: Readonly<Record<string, FailureMeaning>> = {
  '08': connectionBroke,
  '22': { code: 'RECORD_REFUSED', remedy: 'A value does not fit its column.' },
  '22023': { code: 'UNEXPECTED', remedy: 'The server does not know the setting, or refuses its value.' },
  '23': { code: 'RECORD_REFUSED', remedy: 'A record breaks a constraint.' },
  '25006': {
    code: 'STORE_DENIED',
    remedy: 'The server is a replica, or default_transaction_read_only is on: write to the primary.',
  },
  '25P03': {
    code: 'STORE_UNAVAILABLE',
    remedy: 'Raise idle_in_transaction_session_timeout for this role, or make batches smaller.',
    retry: true,
  },
  '25P04': {
    code: 'STORE_UNAVAILABLE',
    remedy: 'Raise transaction_timeout for this role, or make batches smaller.',
    retry: true,
  },
  '28': { code: 'STORE_DENIED', remedy: 'Check user, password and pg_hba.conf.' },
  '28P01': { code: 'STORE_DENIED', remedy: 'Check the user and the password.' },
  '3D000': { code: 'SOURCE_NOT_FOUND', remedy: 'Check the name of the database, or create it.' },
  '3F000': { code: 'SOURCE_NOT_FOUND', remedy: 'Check the name of the schema, or create it.' },
  '40': { code: 'STORE_BUSY', remedy: 'It got in the way of another transaction.', retry: true },
  '40001': { code: 'STORE_BUSY', remedy: 'It got in the way of another transaction.', retry: true },
  '40P01': { code: 'STORE_BUSY', remedy: 'It and another transaction waited for each other.', retry: true },
  '42501': { code: 'STORE_DENIED', remedy: 'GRANT the right to this user, or use one who has it.' },
  '42703': { code: 'NAME_UNKNOWN', remedy: 'Check the names of the columns.' },
  '428C9': {
    code: 'SINK_NOT_READY',
    remedy: 'PostgreSQL makes the values of that column by itself: leave it out of the records.',
  },
  '42P01': { code: 'SOURCE_NOT_FOUND', remedy: 'Check the name, its schema and search_path.' },
  '44000': { code: 'RECORD_REFUSED', remedy: 'A record breaks the CHECK OPTION of the view.' },
  '53': { code: 'STORE_BUSY', remedy: 'The server has run out of something.', retry: true },
  '53100': { code: 'STORE_FULL', remedy: 'Make space on the disk of the server, then run again.' },
  '53200': { code: 'STORE_UNAVAILABLE', remedy: 'The server is out of memory.', retry: true },
  '53300': {
    code: 'STORE_BUSY',
    remedy: 'Raise max_connections of the server, or the limit of this user or database, or use fewer partitions.',
    retry: true,
  },
  '53400': { code: 'STORE_FULL', remedy: 'Raise temp_file_limit for this role.' },
  '54': { code: 'RECORD_REFUSED', remedy: 'A record is beyond what PostgreSQL can hold.' },
  '55006': { code: 'STORE_BUSY', remedy: 'Somebody else uses it.', retry: true },
  '55P03': {
    code: 'STORE_BUSY',
    remedy: 'Somebody else holds the lock: end that transaction, or raise lockTimeoutMs.',
    retry: true,
  },
  '57014': {
    code: 'STORE_BUSY',
    remedy: 'Raise statementTimeoutMs or the statement_timeout of this role, unless somebody cancelled it on purpose.',
    retry: true,
  },
  '57P01': { code: 'STORE_UNAVAILABLE', remedy: 'An administrator ended the connection.', retry: true },
  '57P02': { code: 'STORE_UNAVAILABLE', remedy: 'Another process of the server crashed.', retry: true },
  '57P03': { code: 'STORE_UNAVAILABLE', remedy: 'The server is starting, stopping or recovering.', retry: true },
  '57P04': { code: 'SOURCE_NOT_FOUND', remedy: 'The database was dropped.' },
  '57P05': { code: 'STORE_UNAVAILABLE', remedy: 'Raise idle_session_timeout for this role.', retry: true },
  '58': { code: 'STORE_UNAVAILABLE', remedy: "The server's disk or system failed: see its log." },
  '58P01': { code: 'STORE_UNAVAILABLE', remedy: 'The server misses a file: see its log.' },
  P0001: { code: 'RECORD_REFUSED', remedy: 'A trigger or function refused the record.' },
  XX001: { code: 'SOURCE_INVALID', remedy: 'The data of the server is damaged: see its log.' },
  XX002: { code: 'SOURCE_INVALID', remedy: 'An index of the server is damaged: REINDEX it.' },
}

/** What pg and knex say without a code. */
export const phrases: readonly (readonly [RegExp, FailureMeaning])[] = [
  [
    /timeout exceeded when trying to connect|Timeout acquiring a connection/,
    {
      code: 'STORE_BUSY',
      remedy: 'Every connection of the pool is in use: raise its size, or use fewer partitions.',
      retry: true,
    },
  ],
  [
    /connection timeout|timeout expired/,
    { code: 'STORE_UNAVAILABLE', remedy: 'The server did not answer in time.', retry: true },
  ],
  [/Connection terminated|connection error and is not queryable|Client was closed/, connectionBroke],
  [
    /pool after calling end|Unable to acquire a connection/,
    { code: 'STORE_UNAVAILABLE', remedy: 'The pool was closed while the run still used it.' },
  ],
  [
    /password must be a (?:non-empty )?string/i,
    { code: 'STORE_DENIED', remedy: 'The server asks for a password and none was given.' },
  ],
  [
    /does not support SSL/,
    { code: 'OPTION_INVALID', remedy: 'The server speaks no TLS: leave ssl (or sslmode) out, or turn TLS on there.' },
  ],
  [
    /certificate|self.signed/i,
    {
      code: 'STORE_DENIED',
      remedy: "The server's certificate is not trusted: give its authority as ssl: { ca }, or sslrootcert in the URL.",
    },
  ],
]
