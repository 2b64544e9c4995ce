import type { ErrorCode } from '@drover/core'

/** The guides whose readers come with their troubles. */
export const guides = {
  'backfill-scripts': 'Backfill scripts',
  'checkpoint-migration-tool': 'Checkpoint migration tool',
  'cosmos-container-migration': 'Migration of containers',
  'schema-migration-guide': 'Schema migrations',
  'sqlite-migration-guide': 'SQLite schema migrations',
} as const

/** One trouble, as a guide names it, and what becomes of it here. */
export interface Trouble {
  readonly guide: keyof typeof guides
  /** As the guide calls it. */
  readonly trouble: string
  /** What one sees, in a sentence. */
  readonly seen: string
  /** Codes of the catalogue that come with it; what to do about each stands there. */
  readonly codes: readonly ErrorCode[]
  /** What the command prints besides, word for word. */
  readonly says?: readonly string[]
  /** What to do, beyond what the catalogue says. */
  readonly remedy: string
}

/** Every troubleshooting entry of the guides; packages/cli/src/troubleshooting.int.test.ts reaches each of them. */
export const troubles: readonly Trouble[] = [
  {
    guide: 'backfill-scripts',
    trouble: 'Script hangs',
    seen: 'A run does not hang silently: what it waits for is said after a minute without a commit (`run:stalled` with `--json`), with the session that holds the lock where the store tells. A lock that outlasts the busy timeout and the retries ends it.',
    codes: ['STORE_BUSY'],
    remedy:
      'End the transaction that holds the lock. `--batch-size` makes the locks of the run itself shorter, and `signals` let it rest while others wait.',
  },
  {
    guide: 'backfill-scripts',
    trouble: 'Incorrect estimates',
    seen: 'What a backfill writes is what its `set` returns: four characters per token are an estimate. Exact counts are another `set`, and so another definition.',
    codes: ['PIPELINE_CHANGED'],
    remedy:
      'Call the tokenizer of the model in `set`, raise `version`, and begin anew with `--when-changed restart`. Rows that the estimate has filled are taken again if `where` includes them.',
  },
  {
    guide: 'backfill-scripts',
    trouble: 'Partial completion',
    seen: 'The command says where it stopped, and prints the one that goes on.',
    codes: [],
    says: ['Go on with: ', 'resumed'],
    remedy: 'Call it again: it goes on behind the last batch that was committed. `drover status` says where that is.',
  },
  {
    guide: 'backfill-scripts',
    trouble: 'Database connection errors',
    seen: 'The message names host and port, never the password.',
    codes: ['STORE_UNAVAILABLE'],
    remedy:
      'Look at `DATABASE_URL`, and whether the database can be reached from this host: `drover check` tries both ends and writes nothing.',
  },
  {
    guide: 'checkpoint-migration-tool',
    trouble: 'Connection Errors',
    seen: 'The message names the end that could not be reached; of a dry run the line `connectivity` does.',
    codes: ['STORE_UNAVAILABLE'],
    remedy:
      'Compare `connection_string`, `redis_url` or `qdrant_url` with where the service listens, and try `drover run --dry-run`. Short breaks are waited for and tried again.',
  },
  {
    guide: 'checkpoint-migration-tool',
    trouble: 'Authentication Failures',
    seen: 'The store refuses user, password or key, before anything is read or written.',
    codes: ['STORE_DENIED'],
    remedy:
      'Correct the credentials in the connection string, or `api_key` for Qdrant. Variables that are set go before those of `--env-file`: an old one may stand in the way.',
  },
  {
    guide: 'checkpoint-migration-tool',
    trouble: 'Memory Issues',
    seen: 'Memory does not grow with the number of records: pages hold 64 MiB at the most (`maxInFlightBytes`), and batches as many records as they are told.',
    codes: [],
    says: ['6 batches'],
    remedy:
      'Take a smaller `--batch-size`, a signal `heap-used` that lets the run rest before the heap is full, or a part at a time: runs with different `filters` have different names and go side by side.',
  },
  {
    guide: 'checkpoint-migration-tool',
    trouble: 'Data Format Errors',
    seen: 'A record that cannot be decoded is left out with its key and its bytes, and the others arrive; the command ends with 3.',
    codes: ['RECORD_UNREADABLE'],
    remedy:
      'The dead letters name each record and why. Mend the store and call the command with `--again full`, or take another `layout` if the store was taken for one that it is not.',
  },
  {
    guide: 'checkpoint-migration-tool',
    trouble: 'Debug Mode',
    seen: '`--verbose` tells of each batch its cursor, records, bytes, time and retries, and what the run logs.',
    codes: [],
    says: ['batch 1 of ', 'cursor '],
    remedy: 'With `--json` the same are lines of JSON.',
  },
  {
    guide: 'cosmos-container-migration',
    trouble: 'Connection Error: a connection string is not found',
    seen: 'A variable that a file names and that is not set is refused with its place, before anything is opened; the command ends with 2.',
    codes: ['OPTION_INVALID'],
    says: ['is not set'],
    remedy: 'Set the variable, or name the file that has it: `--env-file .env`.',
  },
  {
    guide: 'cosmos-container-migration',
    trouble: 'Permission Error: Forbidden',
    seen: 'The store says no, and the message says to what.',
    codes: ['STORE_DENIED'],
    remedy: '`drover check` tries what a run needs at both ends, and takes it back.',
  },
  {
    guide: 'cosmos-container-migration',
    trouble: 'Data Count Mismatch',
    seen: '`drover verify` compares record by record, says how many are missing, and names their keys; it ends with 1.',
    codes: [],
    says: ['missing'],
    remedy:
      'A run that has not completed goes on when it is called again. Records that were rejected stand in the dead letters. What is missing else was deleted after it was written.',
  },
  {
    guide: 'cosmos-container-migration',
    trouble: 'Validation Failures',
    seen: '`drover verify` names the keys and fields that differ, with both values.',
    codes: [],
    says: ['differ'],
    remedy:
      'Write the records again with `--again full` and `onConflict: update`; or leave fields out of the comparison that others change: `verify: { ignore: [updated_at] }`.',
  },
  {
    guide: 'cosmos-container-migration',
    trouble: 'If Migration Fails Midway',
    seen: 'What was committed stays and nothing is half written; the source is never changed.',
    codes: ['RECORD_REJECTED'],
    says: ['What was committed stays. Once that is mended, go on with: ', 'resumed'],
    remedy: 'Mend what the message names, and call the same command again.',
  },
  {
    guide: 'cosmos-container-migration',
    trouble: 'If Data Loss Suspected',
    seen: 'A run into a sink with `undo: true` keeps what rows were before, and can be taken back.',
    codes: [],
    says: ['undo'],
    remedy:
      '`drover stop`, then `drover verify`: it changes nothing and names what is missing. `drover undo` puts back what the run has changed, and leaves what others changed since.',
  },
  {
    guide: 'schema-migration-guide',
    trouble: "Can't locate revision identified by…",
    seen: 'A name that the state store does not know is refused with the nearest one.',
    codes: ['RUN_UNKNOWN'],
    remedy: '`drover status` without a name lists the runs that are kept; `--state` says where else to look.',
  },
  {
    guide: 'schema-migration-guide',
    trouble: 'Target database is not up to date',
    seen: 'A backfill names the columns that it needs and does not begin without them; the command ends with 2.',
    codes: ['NAME_UNKNOWN'],
    remedy: 'Migrate the schema first; then call the same command.',
  },
  {
    guide: 'schema-migration-guide',
    trouble: 'Multiple head revisions present',
    seen: "Backfills have no order of their own, so two of them do not stand in each other's way. One that builds on another says so by `dependsOn`, and does not begin before that has completed.",
    codes: ['DEPENDENCY_UNFINISHED'],
    remedy: 'Run the ones that the message names, in that order.',
  },
  {
    guide: 'schema-migration-guide',
    trouble: 'Migration fails mid-way',
    seen: 'Batches are transactions: those before the failure stand, the one with it does not.',
    codes: ['RECORD_REJECTED'],
    says: ['go on with: ', 'resumed'],
    remedy: 'Mend the row or the function, and call the same command. Nothing has to be stamped.',
  },
  {
    guide: 'schema-migration-guide',
    trouble: "Autogenerate doesn't detect changes",
    seen: 'A sink compares what it is to write with the table that is there, before the first row.',
    codes: ['SINK_NOT_READY'],
    remedy:
      'Add the column, leave the field out (`transform: omit`), or let the sink add it where it can (`newColumns: add`). A change within a function cannot be seen: raise `version`.',
  },
  {
    guide: 'schema-migration-guide',
    trouble: 'Migration corrupts database',
    seen: 'A file that is no database any more is refused as such.',
    codes: ['SOURCE_INVALID'],
    remedy:
      'Restore the backup and call the same command: where the run stands lies in the same database, so it goes on from where the backup stands.',
  },
  {
    guide: 'sqlite-migration-guide',
    trouble: 'Foreign Key Constraint Violations',
    seen: 'A row that refers to one that is not there is refused by its key.',
    codes: ['RECORD_REJECTED'],
    says: ['FOREIGN KEY'],
    remedy:
      'Write the tables that are referred to first, or copy them together (`copyDatabase` orders them and checks their keys in the end). `foreignKeys: false` leaves the check to you.',
  },
  {
    guide: 'sqlite-migration-guide',
    trouble: 'JSON Parsing Errors',
    seen: 'A record whose JSON cannot be read is rejected by itself, with its key and what it holds.',
    codes: ['TRANSFORM_FAILED'],
    remedy: 'Mend the row and call `drover replay`; or put what you want in its place by a step of your own before it.',
  },
  {
    guide: 'sqlite-migration-guide',
    trouble: 'Performance Degradation',
    seen: 'Indexes make writing slower. The PostgreSQL sink can take secondary ones off and build them again in the end, and says so.',
    codes: [],
    says: ['INDEXES'],
    remedy:
      '`indexes: after` for large loads; `signals` and `recordsPerSecond` for a database that others use meanwhile; `--verbose` shows how long each batch takes.',
  },
]
