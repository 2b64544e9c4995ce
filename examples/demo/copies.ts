import path from 'node:path'
import { sqliteSink, sqliteSource } from '@drover/adapter-sqlite'
import {
  addMetadata,
  definePipeline,
  type Flow,
  from,
  ndjsonSink,
  ndjsonSource,
  normalizeTimestamps,
  omit,
  type PipelineOptions,
  type Source,
} from '@drover/core'

/** The two places that the messages are copied to. */
export type Target = 'file' | 'database'
export const targets: readonly Target[] = ['file', 'database']

/** Where the demo puts what it makes. */
export interface Places {
  readonly database: string
  readonly file: string
  readonly copy: string
  /** What the command runs, and where that goes. */
  readonly pipeline: string
  readonly archive: string
}

export function placesIn(folder: string): Places {
  return {
    database: path.join(folder, 'agent.db'),
    file: path.join(folder, 'messages.ndjson'),
    copy: path.join(folder, 'copy.db'),
    pipeline: path.join(folder, 'messages.yaml'),
    archive: path.join(folder, 'archive.db'),
  }
}

/** A row of conversation_history. */
interface Message extends Record<string, unknown> {
  id: number
  role: string
  content: string
  created_at: string | null
  importance_score: number
  token_count: number
}

/** The messages as they are to arrive: without those of debugging and the empty ones, times in ISO 8601, and when they were moved. */
export function movedMessages({ database }: Places): Flow<Record<string, unknown>> {
  return from(sqliteSource<Message>({ filename: database, table: 'conversation_history' }))
    .filter({ role: { ne: 'debug' } })
    .filter(({ content }) => content !== '')
    .pipe(normalizeTimestamps(['created_at']))
    .pipe(omit(['importance_score']))
    .pipe(addMetadata())
}

export function copyTo(target: Target, places: Places): PipelineOptions<Record<string, unknown>> {
  const sink =
    target === 'file'
      ? ndjsonSink({ path: places.file })
      : sqliteSink({ filename: places.copy, table: 'messages', key: 'id' })
  return definePipeline({ name: `messages-to-${target}`, source: movedMessages(places), sink, batchSize: 2_000 })
}

/** What arrived, read back. */
export function arrivedIn(target: Target, places: Places): Source {
  return target === 'file'
    ? ndjsonSource({ path: places.file })
    : sqliteSource({ filename: places.copy, table: 'messages' })
}
