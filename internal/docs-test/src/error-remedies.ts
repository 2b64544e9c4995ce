import type { ErrorCode } from '@drover/core'

/** What to do about each code. A code without a remedy does not compile. */
export const errorRemedies: Readonly<Record<ErrorCode, string>> = {
  OPTION_INVALID:
    'The message names the option and what it takes; a mistyped name comes with the nearest ones. Nothing was opened yet.',
  NAME_UNKNOWN: 'Take one of the names that the message lists.',
  PACKAGE_MISSING: 'Install what the message names, in the project that the file belongs to.',
  SOURCE_NOT_FOUND:
    'Check the path, table or column: the message gives it as you wrote it, and the nearest names that exist.',
  SOURCE_INVALID:
    'The message says what was found instead, and where. Point the source at the right file, or mend the file.',
  KEY_INVALID:
    'Read by a key that is unique and never null: name other columns as `key`, or remove the duplicates and nulls that the message shows.',
  SINK_NOT_READY:
    'Create what is missing or make its columns fit, as the message says; or let the sink write into a new table or file.',
  STORE_BUSY:
    'Somebody else holds the lock. Transient locks are waited for; if this one stays, find the writer, or raise `busyTimeoutMs`. Then call again.',
  STORE_FULL: 'Free space and call again: the run goes on behind its last commit.',
  STORE_UNAVAILABLE: 'Find out why the store does not answer; the cause has its own words. Then call again.',
  STORE_DENIED: 'Give the process the right it lacks: on the file and its folder, or in the database.',
  FIDELITY_LOSS:
    'The message names each field and what would be lost. Convert the field in a step, or name the coercion that accepts the loss.',
  DUPLICATES_NOT_ALLOWED:
    'Write by a key, so that a record written again replaces itself; or accept duplicates with `allowDuplicates: true`.',
  PIPELINE_CHANGED:
    "The message lists what differs. Put it back, go on with the new definition by `whenChanged: 'continue'`, or begin anew by `whenChanged: 'restart'`.",
  STATE_INVALID:
    'The state was damaged, deleted, or belongs to another store: pass the right state store. To begin anew, remove the state that the message names.',
  RUN_HELD:
    "Another process works on it, and the message says which. Leave it to that one, or wait with `whenHeld: 'wait'`. A process that is gone loses its lease by itself.",
  RUN_UNKNOWN:
    'The message lists the names that there are, the nearest first. If yours is missing, it lies in another state store, or was never started.',
  RUN_ENDED: 'Nothing is to be done. What is asked of a run that has completed would be asked of nobody.',
  LEASE_LOST:
    'The process was away for longer than `leaseMs`: suspended, or its event loop blocked. What was committed stands; call again.',
  FENCED: 'Another process took over, and this one wrote nothing since. Leave the work to that process.',
  RECORD_REJECTED:
    'The message names the record, the stage and why. Mend the record or the step and call again, or raise `maxRejected`: such records then go to the dead letters.',
  RECORD_REFUSED:
    'The store gave its reason: a constraint, a type, a size. Mend the record in a step, or mend the constraint.',
  RECORD_UNREADABLE:
    'The record is damaged where it lies, for example a text that is no UTF-8. Mend it there, or let it go to the dead letters.',
  BATCH_AGAIN: 'Between a sink and the engine, which gives the batch once more: outside of adapters it is not seen.',
  PAGE_STALE: 'Between a sink and its source, and answered by the engine: outside of adapters it is not seen.',
  TRANSFORM_FAILED:
    'The cause holds what the step threw, with its stack. Mend the step, and send the dead letters through again.',
  TRANSFORM_INVALID_RESULT:
    'A step gives a record, an array of records, or null; a batch step one result per record. A forgotten `return` is the usual reason.',
  TRANSFORM_TIMEOUT:
    "Find out why the call hangs, pass it the step's `signal`, or raise the transformer's `timeoutMs`.",
  VALIDATION_FAILED:
    "The message has the schema's own words. Mend the record, a step before the validation, or the schema.",
  DEPENDENCY_UNFINISHED: 'Run the one that the message names first, with the same state store.',
  REQUIREMENT_MISSING: 'Apply the schema migration that adds the column, then call again.',
  TABLES_REFUSED:
    'The message lists each table with all that is in its way, and nothing was written. Mend the table at either end, or leave it out with `exclude`. See [whole databases](whole-databases.md).',
  FOREIGN_KEY_BROKEN:
    'The message names each foreign key and some of the values that are missing. Add or remove rows in the copy and call again, or copy with `foreignKeys: false`.',
  RUN_UNDONE:
    "Its first part is gone, and it knows only of what follows. Begin from the start, as a new run: another `version` with `whenChanged: 'restart'`. See [undo](undo.md).",
  UNDO_IMPOSSIBLE:
    'Read the message: it names the runs that can be undone, or the column that is gone. Only runs with `undo: true` can, and only until their before-images are pruned. See [undo](undo.md).',
  CONTRACT_BROKEN:
    'A source, sink, state store or backfiller has a bug: the message says which promise it broke. The suites of `@drover/conformance` find it.',
  REVISION_UNKNOWN: 'The message names the nearest revisions. Take one of them, or add the file that is missing.',
  REVISION_AMBIGUOUS:
    'Name the revision you mean, or `heads` for all of them; two heads become one by a revision that depends on both.',
  REVISION_INVALID: 'The message names the file and what is wrong in it. Mend it; nothing was opened yet.',
  REVISION_EDITED:
    'The message shows the difference as SQL. Undo the edit, and write what is new into a revision of its own; if the edit changes nothing, `drover schema repair <revision> accept-edit` takes it.',
  GRAPH_INVALID: 'The message names the revisions. Mend their `id` and `dependsOn`.',
  MIGRATION_FAILED:
    'The message names the revision, the statement, and what of it was taken back; the cause has what the database said. Mend it and call again.',
  MIGRATION_INTERRUPTED:
    'Look at the database with the statement that the message shows, then say what became of it: `drover schema repair <revision> applied`, `reverted` or `retry`.',
  CONDITION_FAILED:
    'The message says which condition of which revision, and what was found. Nothing of the revision stayed.',
  IRREVERSIBLE: 'The author says why there is no way back: restore a backup, or write a revision that goes forward.',
  LOSS_REFUSED:
    'The message lists tables and columns with the number of rows. Archive them first, or accept the loss in so many words.',
  UNSAFE_REFUSED:
    'The message says what would happen and what to do instead. If it is all right here, say why with `assured` in the revision.',
  JOURNAL_INVALID:
    'The journal was edited by hand, or belongs to a newer Drover. The message names the row; put it right, or restore it from a backup.',
  SCHEMA_BEHIND: "Apply what is missing: `drover schema up`, or `ensure({ mode: 'apply' })` at start-up.",
  SCHEMA_AHEAD:
    'A newer release has migrated the database. Deploy that release here too, or take its revisions back with it before you go back.',
  SCHEMA_DRIFT: 'The message lists what differs. Write it into a revision, or undo what was changed by hand.',
  BACKUP_INVALID: 'Take another backup; the message says what of this one is missing or damaged. Nothing was restored.',
  BACKUP_UNKNOWN: 'The message lists the backups that there are.',
  BASELINE_WORSE: 'The message names the query, both times and both plans. A lost index is the usual reason.',
  PREVIEW_IMPOSSIBLE:
    'The message names the revision and what it asks the database for. Plan it against a database instead.',
  ABORTED: 'The work was given up on request. What was committed stands; call again to go on.',
  UNEXPECTED: 'Read the cause. If it turns out to have a remedy, it deserves a code: please report it.',
}
