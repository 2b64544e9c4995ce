import {
  checkOptionNames,
  checkText,
  comparesAsInstant,
  DroverError,
  type FieldCondition,
  type Filter,
  formatInstant,
  type InstantText,
  parseInstant,
  shown,
} from '@drover/core'

/** Which checkpoints or messages to take; all that is given has to hold. A session is a thread, too. */
export interface CheckpointFilterOptions {
  /** This thread alone, by its id to the letter. */
  readonly thread_id?: string
  /** Threads that fit a shell pattern: `*`, `?`, `[abc]`. */
  readonly thread_pattern?: string
  /** Threads that fit one of these shell patterns are left out. */
  readonly exclude_threads?: readonly string[]
  /** From this instant on, itself with it: ISO 8601, in UTC where it names no zone. A date alone is its midnight in UTC. */
  readonly date_from?: string | Date
  /** Up to this instant, itself with it. A date alone is its whole day in UTC. */
  readonly date_to?: string | Date
}

/** What the records are, of the layout that is read. */
export interface FilteredRecords {
  readonly records: 'checkpoints' | 'messages'
  /** Whether its records have timestamps: without, dates are refused. @default true */
  readonly hasTimestamps?: boolean
  /** Names the layout in errors. */
  readonly layout?: string
}

const where = 'filters'
const optionNames = ['thread_id', 'thread_pattern', 'exclude_threads', 'date_from', 'date_to']

/**
 * The filter in terms of the record's fields; null if nothing is asked for. A record without a timestamp, such as a checkpoint that is sealed, is of no
 * date: a filter by dates leaves it out.
 *
 * @throws `OPTION_INVALID`
 */
export function checkpointFilters(options: CheckpointFilterOptions, of: FilteredRecords): Filter | null {
  checkOptionNames(where, options, optionNames)
  const thread = of.records === 'checkpoints' ? 'thread_id' : 'session_id'
  const parts = [...threadParts(options, thread), ...dateParts(options, timeField(of.records), of)]
  return parts.length === 0 ? null : parts.length === 1 ? (parts[0] as Filter) : { and: parts }
}

/** The field that dates are compared with. */
export function timeField(records: FilteredRecords['records']): 'timestamp' | 'created_at' {
  return records === 'checkpoints' ? 'timestamp' : 'created_at'
}

function threadParts({ thread_id, thread_pattern, exclude_threads }: CheckpointFilterOptions, field: string): Filter[] {
  const parts: Filter[] = []
  if (thread_id !== undefined) {
    checkText(where, 'thread_id', thread_id)
    parts.push({ [field]: { eq: thread_id } })
    // Another way to write the same instant is the name of another thread.
    if (comparesAsInstant(thread_id)) parts.push({ [field]: { like: thread_id.replace(/[\\%_]/g, '\\$&') } })
  }
  if (thread_pattern !== undefined) {
    checkText(where, 'thread_pattern', thread_pattern)
    parts.push({ [field]: { glob: thread_pattern } })
  }
  if (exclude_threads !== undefined) {
    if (!Array.isArray(exclude_threads))
      throw invalid(`exclude_threads is a list of patterns, not ${shown(exclude_threads)}.`)
    for (const pattern of exclude_threads) {
      checkText(where, 'exclude_threads', pattern)
      parts.push({ not: { [field]: { glob: pattern } } })
    }
  }
  return parts
}

function dateParts({ date_from, date_to }: CheckpointFilterOptions, field: string, of: FilteredRecords): Filter[] {
  if (date_from === undefined && date_to === undefined) return []
  const from = date_from === undefined ? undefined : instant('date_from', date_from)
  const to = date_to === undefined ? undefined : instant('date_to', date_to)
  if (of.hasTimestamps === false) {
    const named = [...(from === undefined ? [] : ['date_from']), ...(to === undefined ? [] : ['date_to'])].join(' and ')
    const layout = of.layout === undefined ? 'This layout' : `The layout ${of.layout}`
    throw invalid(`${layout} keeps no times, so that ${named} cannot choose among its records. Leave it out.`)
  }
  const conditions: FieldCondition[] = []
  if (from !== undefined) conditions.push({ gte: formatInstant(from) })
  // Behind a whole day comes the next midnight, whatever digits a time has.
  if (to !== undefined)
    conditions.push(
      to.form === 'date' ? { lt: formatInstant({ ...to, seconds: to.seconds + 86_400 }) } : { lte: formatInstant(to) },
    )
  if (from !== undefined && to !== undefined && liesAfter(from, to))
    throw invalid(`date_from (${shown(date_from)}) is after date_to (${shown(date_to)}), so that nothing lies between.`)
  return [{ [field]: Object.assign({}, ...conditions) as FieldCondition }]
}

/** Whether it is behind the end of what `date_to` says: of its day, where it says no more than that. */
function liesAfter(from: InstantText, to: InstantText): boolean {
  if (to.form === 'date') return from.seconds >= to.seconds + 86_400
  return from.seconds > to.seconds || (from.seconds === to.seconds && from.nanos > to.nanos)
}

function instant(name: string, value: string | Date): InstantText {
  const text = value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value
  const said = typeof text === 'string' ? parseInstant(text) : null
  if (said !== null && Math.abs(said.seconds) <= 8.64e12) return said
  throw invalid(
    `${name} is a date or an instant of ISO 8601, such as "2025-01-31" or "2025-01-31T08:30:00Z", not ${shown(value)}.`,
  )
}

function invalid(message: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${message}`)
}
