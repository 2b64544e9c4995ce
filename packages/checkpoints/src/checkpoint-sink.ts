import { checkChoice, checkOptionNames, DroverError, type Sink, suggestNames } from '@drover/core'
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
    'embedding',
    'dimensions',
    'sessions',
  ])
  checkPlace(where, options)
  checkChoice(where, 'onConflict', options.onConflict, ['error', 'skip', 'update'])
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
  refuseForeign(where, layout.name, rest)
  if (layout.sink !== undefined) return layout.sink(rest)
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: the layout "${name}" is read only${suggestNames(
      name,
      writable.map((one) => one.name),
    )}`,
  )
}

/** Which layouts have an option that others would pass over. */
const layoutsWith: Readonly<Record<string, readonly LayoutName[]>> = {
  table: ['langchain-postgres', 'langchain-sqlite'],
  sessions: ['langchain-postgres'],
  embed: ['unified-qdrant', 'unified-qdrant-messages', 'langchain-qdrant'],
  embedding: ['unified-qdrant', 'unified-qdrant-messages', 'langchain-qdrant'],
  dimensions: ['unified-qdrant', 'unified-qdrant-messages', 'langchain-qdrant'],
}

/** @throws `OPTION_INVALID` for an option of another layout than the one that is named. */
export function refuseForeign(where: string, layout: LayoutName, options: LayoutOptions & LayoutSinkOptions): void {
  for (const [name, having] of Object.entries(layoutsWith)) {
    if (options[name as keyof typeof options] === undefined || having.includes(layout)) continue
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: ${name} is an option of ${having.map((one) => `"${one}"`).join(' and ')}, and the layout is "${layout}".`,
    )
  }
}
