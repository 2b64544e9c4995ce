import { DroverError, type Filter } from '@drover/core'

/** Which checkpoints or messages to take; all that is given has to hold. */
export interface CheckpointFilterOptions {
  readonly thread_id?: string
  /** Shell pattern: `*`, `?`, `[abc]`. */
  readonly thread_pattern?: string
  /** Shell patterns; a thread that fits one of them is left out. */
  readonly exclude_threads?: readonly string[]
  /** From this instant on, itself with it. A date alone is its midnight in UTC. */
  readonly date_from?: string
  /** Up to this instant, itself with it. A date alone is its whole day in UTC. */
  readonly date_to?: string
}

/** What the records are, of the layout that is read. */
export interface FilteredRecords {
  readonly records: 'checkpoints' | 'messages'
  /** Whether its records have timestamps: without, dates are refused. @default true */
  readonly hasTimestamps?: boolean
  /** Names the layout in errors. */
  readonly layout?: string
}

/**
 * The filter in terms of the record's fields; null if nothing is asked for.
 *
 * @throws `OPTION_INVALID`
 */
export function checkpointFilters(options: CheckpointFilterOptions, of: FilteredRecords): Filter | null {
  throw new DroverError('UNEXPECTED', `Not yet: ${Object.keys(options)}, ${of.records}.`)
}
