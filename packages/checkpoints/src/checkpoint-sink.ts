import { checkChoice, checkOnConflict, checkOptionNames, DroverError, type Sink, suggestNames } from '@drover/core'
import { checkPlace } from './base/check-place.js'
import type {
  CheckpointLayoutName,
  LayoutName,
  LayoutOptions,
  LayoutSinkOptions,
  MessageLayoutName,
} from './layouts/layout.js'
import { layoutByName, layouts } from './layouts/registry.js'
import type { CheckpointRecord } from './records/checkpoint-record.js'
import type { MessageRecord } from './records/message-record.js'

/** Options of {@link checkpointSink}. */
export interface CheckpointSinkOptions extends LayoutOptions, LayoutSinkOptions {
  /** How the data is to lie in the store. @default 'unified-qdrant' in Qdrant; the others have to be named */
  readonly layout?: LayoutName
}

/**
 * Writes checkpoints or messages as their library keeps them, so that it goes on with them. Tables that are missing are made with the
 * library's own statements. A record of the other language is refused, and so is a value that the layout has no place for.
 *
 * @throws `OPTION_INVALID`; when it connects or writes `SINK_NOT_READY` (tables of something else, or of an older or newer library),
 * `RECORD_REFUSED`, `PACKAGE_MISSING`, and what the adapter throws.
 *
 * @example
 * const sink = checkpointSink({ place: { type: 'sqlite', filename: 'checkpoints.db' }, layout: 'langgraph-sqlite' })
 */
export function checkpointSink(
  options: CheckpointSinkOptions & { readonly layout: CheckpointLayoutName },
): Sink<CheckpointRecord>
export function checkpointSink(
  options: CheckpointSinkOptions & { readonly layout: MessageLayoutName },
): Sink<MessageRecord>
export function checkpointSink(options: CheckpointSinkOptions): Sink<CheckpointRecord | MessageRecord>
export function checkpointSink(
  options: CheckpointSinkOptions,
): Sink<CheckpointRecord> | Sink<MessageRecord> | Sink<CheckpointRecord | MessageRecord> {
  const where = 'checkpointSink'
  checkOptionNames(where, options, [
    'place',
    'layout',
    'table',
    'schema',
    'keyPrefix',
    'onConflict',
    'embed',
    'dimensions',
    'sessions',
  ])
  checkPlace(where, options)
  checkOnConflict(where, options.onConflict)
  checkChoice(where, 'sessions', options.sessions, ['text', 'uuid'])
  const { layout: named, ...rest } = options
  const writable = layouts.filter(({ store, sink }) => store === rest.place.type && sink !== undefined)
  const name = named ?? (rest.place.type === 'qdrant' ? 'unified-qdrant' : undefined)
  if (name === undefined) {
    const known = writable.map((one) => one.name)
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: say with layout how the data is to lie there${suggestNames('', known)}`,
    )
  }
  const layout = layoutByName(where, name)
  if (layout.sink !== undefined) return layout.sink(rest)
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: the layout "${name}" is read only${suggestNames(
      name,
      writable.map((one) => one.name),
    )}`,
  )
}
