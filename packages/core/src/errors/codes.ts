/**
 * Every code a `DroverError` of core can carry, with one sentence for the catalogue. Adapters add none of their own:
 * a code says what the person on call has to do, not which store said it.
 */
export const errorCodes = {
  OPTION_INVALID: 'An option has a wrong value, or there is no such option.',
  NAME_UNKNOWN: 'A transformer, filter operator, table or field is asked for by a name that does not exist.',
  PACKAGE_MISSING: 'What is asked for needs a package that is not installed.',
  SOURCE_NOT_FOUND:
    'What should be read is not there: a missing file, a directory, a table or column that does not exist.',
  SOURCE_INVALID:
    'What should be read is not what it was said to be: a file that is no database, JSON that does not parse.',
  KEY_INVALID: 'The key cannot lead a read: it has nulls, duplicates, or is not there.',
  SINK_NOT_READY: 'The destination cannot take the records: its folder or table is missing or has other columns.',
  STORE_BUSY: 'The store is locked by somebody else for longer than the busy timeout.',
  STORE_FULL: 'The store has no space left.',
  STORE_UNAVAILABLE: 'The store cannot be reached, or broke off.',
  STORE_DENIED: 'The store refuses access: rights, a read-only file, a wrong password.',
  FIDELITY_LOSS: 'A field cannot arrive as it left, and no coercion was named.',
  DUPLICATES_NOT_ALLOWED: 'The combination may write a record twice, and allowDuplicates was not given.',
  PIPELINE_CHANGED: 'The run that would be resumed was started by another definition.',
  STATE_INVALID: 'Stored state cannot be read, or belongs to something else.',
  RUN_HELD: 'Another process works on this run.',
  RUN_UNKNOWN: 'There is no run of that name in the state store.',
  RUN_ENDED: 'The run has completed: nobody is there to do what is asked of it.',
  LEASE_LOST: 'The lease ran out, or was taken over, while the run worked.',
  FENCED: 'Another process claimed the partition; this commit was refused and left nothing.',
  RECORD_REJECTED: 'A record could not be read, transformed or written, and maxRejected is used up.',
  RECORD_REFUSED: 'The store will not take a record.',
  RECORD_UNREADABLE: 'A record cannot be decoded as it stands in the store.',
  BATCH_AGAIN: 'A sink is ready for its batch only now that it has met it: it is given the batch once more.',
  PAGE_STALE: 'A page has no rows to give, or none any more: its batch is read again as rows.',
  TRANSFORM_FAILED: 'A transformer or filter threw.',
  TRANSFORM_INVALID_RESULT: 'A transformer returned something that is neither a record, nor several, nor null.',
  TRANSFORM_TIMEOUT: 'A transformer did not answer in time.',
  VALIDATION_FAILED: 'A record does not fit the schema it is validated with.',
  DEPENDENCY_UNFINISHED: 'A backfill that this one depends on has not completed.',
  REQUIREMENT_MISSING: 'A column that a backfill requires does not exist.',
  TABLES_REFUSED:
    'Tables of a database cannot be copied as they are; the message lists what stands in the way of each.',
  FOREIGN_KEY_BROKEN: 'Rows refer to rows that are not there, so a foreign key cannot hold.',
  RUN_UNDONE: 'The run that would be gone on with was taken back: it would go on from its middle.',
  UNDO_IMPOSSIBLE: 'A run cannot be taken back: it kept no before-images, or was undone already.',
  CONTRACT_BROKEN: 'A source, sink, state store or backfiller did what its contract forbids.',
  ABORTED: 'The work was given up because its signal was aborted.',
  UNEXPECTED: 'Something failed in a way Drover does not know; see the cause.',
} as const

export type ErrorCode = keyof typeof errorCodes
