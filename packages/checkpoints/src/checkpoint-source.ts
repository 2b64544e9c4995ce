import { type ConnectOperation, checkOptionNames, checkText, type Source, type SourceSession } from '@drover/core'
import { checkPlace } from './base/check-place.js'
import { FilteredSession } from './base/filtered-session.js'
import { placeName } from './base/place-name.js'
import { refuseForeign } from './checkpoint-sink.js'
import { findLayout } from './detect/find-layouts.js'
import { warnOfLeftOutStore } from './detect/left-out-store.js'
import { type CheckpointFilterOptions, checkpointFilters, timeField } from './filters/checkpoint-filters.js'
import type { CheckpointLayoutName, Layout, LayoutName, LayoutOptions, MessageLayoutName } from './layouts/layout.js'
import { layoutByName, layouts } from './layouts/registry.js'
import type { CheckpointRecord } from './records/checkpoint-record.js'
import type { MessageRecord } from './records/message-record.js'

/** Options of {@link checkpointSource}. */
export interface CheckpointSourceOptions extends LayoutOptions {
  /** How the data lies in the store. @default what is found there when it is connected to */
  readonly layout?: LayoutName
  /** Which records to read. Dates are refused for a layout that keeps no times. */
  readonly filters?: CheckpointFilterOptions
  /** Names the source in reports and in the run's fingerprint. @default the store's name */
  readonly name?: string
}

/**
 * Reads checkpoints of LangGraph, or messages of LangChain, whole: with all that their library needs to go on with them. Values are
 * carried as they are stored; nothing that they name is imported or called.
 *
 * @throws `OPTION_INVALID`; when it connects `SOURCE_NOT_FOUND` (nothing of a known layout), `OPTION_INVALID` (several: say which with
 * `layout` or `table`), `SOURCE_INVALID` (tables of an older or newer library), `PACKAGE_MISSING`, and what the adapter throws. A record that
 * cannot be read is rejected as `RECORD_UNREADABLE`, with its key.
 *
 * @example
 * const checkpoints = checkpointSource({ place: { type: 'postgres', connection: process.env.DATABASE_URL ?? '' } })
 */
export function checkpointSource(
  options: CheckpointSourceOptions & { readonly layout: CheckpointLayoutName },
): Source<CheckpointRecord>
export function checkpointSource(
  options: CheckpointSourceOptions & { readonly layout: MessageLayoutName },
): Source<MessageRecord>
export function checkpointSource(options: CheckpointSourceOptions): Source<CheckpointRecord | MessageRecord>
export function checkpointSource(options: CheckpointSourceOptions): Source<CheckpointRecord | MessageRecord> {
  const where = 'checkpointSource'
  checkOptionNames(where, options, ['place', 'layout', 'table', 'schema', 'keyPrefix', 'filters', 'name'])
  checkPlace(where, options)
  if (options.name !== undefined) checkText(where, 'name', options.name)
  const { layout, filters, name, ...rest } = options
  const given = layout === undefined ? undefined : layoutByName(where, layout)
  if (given !== undefined) refuseForeign(where, given.name, rest)
  // What is wrong with them is said before anything is opened.
  if (filters !== undefined) checkpointFilters(filters, { records: given?.records ?? 'checkpoints' })
  const made = given?.source(rest)
  const traits = made ?? traitsOf(rest)
  const version = JSON.stringify({ layout, filters, version: made?.version })
  return {
    specVersion: 1,
    name: name ?? nameOf(options),
    ...(version === '{}' ? {} : { version }),
    ...(traits.repeats === undefined ? {} : { repeats: traits.repeats }),
    ...(traits.isUnordered === undefined ? {} : { isUnordered: traits.isUnordered }),
    connect: (operation) => connect(rest, given, filters, operation),
  }
}

async function connect(
  options: LayoutOptions,
  given: Layout | undefined,
  filters: CheckpointFilterOptions | undefined,
  operation: ConnectOperation,
): Promise<SourceSession<CheckpointRecord | MessageRecord>> {
  const found = given === undefined ? await findLayout(options, operation) : undefined
  const layout = found === undefined ? (given as Layout) : layoutByName('checkpointSource', found.layout)
  const source: Source<CheckpointRecord | MessageRecord> = layout.source({ ...options, ...found?.options })
  const session = await source.connect(operation)
  await lookAround(layout, { ...options, ...found?.options }, session, operation)
  if (filters === undefined) return session
  try {
    const schema = await session.describe(operation)
    const { hasTimestamps: has = true } = layout
    const hasTimestamps = typeof has === 'boolean' ? has : await has({ ...options, ...found?.options }, operation)
    const filter = checkpointFilters(filters, { records: layout.records, hasTimestamps, layout: layout.name })
    return filter === null
      ? session
      : new FilteredSession(session, filter, { ...schema, instant: timeField(layout.records) })
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

/** What lies beside the checkpoints, and is not read, is said. */
async function lookAround(
  { records }: Layout,
  options: LayoutOptions,
  session: AsyncDisposable,
  operation: ConnectOperation,
): Promise<void> {
  if (records !== 'checkpoints') return
  try {
    await warnOfLeftOutStore(options, operation)
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

function nameOf({ place, schema, table }: CheckpointSourceOptions): string {
  const within = [schema, table].filter((name) => name !== undefined).join('.')
  return `checkpoints in ${placeName(place)}${within === '' ? '' : ` ${within}`}`
}

/** What a run has to know before it connects: of a store whose layout is not known, what holds of any that it may have. */
function traitsOf(options: LayoutOptions): { readonly repeats?: boolean; readonly isUnordered?: boolean } {
  const sources = layouts.filter(({ store }) => store === options.place.type).map((layout) => layout.source(options))
  return {
    ...(sources.some(({ repeats }) => repeats === true) ? { repeats: true } : {}),
    ...(sources.some(({ isUnordered }) => isUnordered === true) ? { isUnordered: true } : {}),
  }
}
