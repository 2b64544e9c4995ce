import type { ConnectOperation, Sink, Source } from '@drover/core'
import type { CheckpointRecord } from '../records/checkpoint-record.js'
import type { MessageRecord } from '../records/message-record.js'
import type { StorePlace } from './store-place.js'

/** Every layout there is. */
export const layoutNames = [
  'langgraph-postgres',
  'langgraph-postgres-shallow',
  'langgraph-js-postgres',
  'langgraph-sqlite',
  'langgraph-js-sqlite',
  'langgraph-redis',
  'langgraph-redis-shallow',
  'langgraph-js-redis',
  'langchain-postgres',
  'langchain-sqlite',
  'langchain-redis-list',
  'langchain-redis-json',
  'langchain-qdrant',
  'unified-qdrant',
  'unified-qdrant-messages',
] as const

/** How agents' data lies in a store. */
export type LayoutName = (typeof layoutNames)[number]

/** Layouts whose records are checkpoints alone. */
export type CheckpointLayoutName = Extract<LayoutName, `langgraph-${string}`>

/** Layouts whose records are messages alone. */
export type MessageLayoutName = Extract<LayoutName, `langchain-${string}`> | 'unified-qdrant-messages'

/** What of a store was found that looks like a layout. */
export interface LayoutFinding {
  readonly layout: LayoutName
  /** What it lies in, as a person would name it: `table "message_store"`. */
  readonly where: string
  /** What of it this version does not know, and what to do: then it is not read. */
  readonly problem?: string
  /** Options that go with what was found, such as the table. */
  readonly options?: Readonly<Record<string, string>>
}

/** What a layout's source is made with. */
export interface LayoutOptions {
  readonly place: StorePlace
  /** Of a chat history in SQL. */
  readonly table?: string
  /** Of a layout in PostgreSQL: the schema of its tables. */
  readonly schema?: string
  /** Of a layout in Redis, what the names of its keys begin with, where that is not the layout's own. */
  readonly keyPrefix?: string
}

interface LayoutOf<R> {
  readonly name: LayoutName
  readonly records: R extends CheckpointRecord ? 'checkpoints' : 'messages'
  readonly store: StorePlace['type']
  /** Its records have the times that filters by date need; or what finds that out where some stores have them. @default true */
  readonly hasTimestamps?: boolean | ((options: LayoutOptions, operation: ConnectOperation) => Promise<boolean>)
  readonly source: (options: LayoutOptions) => Source<R>
  /** Absent where the layout is only read. */
  readonly sink?: (options: LayoutOptions & LayoutSinkOptions) => Sink<R>
}

/** What a layout's sink takes besides. */
export interface LayoutSinkOptions {
  /**
   * What becomes of a checkpoint whose key is there. Messages that a store numbers as they come are never there already, and `'error'` is all
   * there is; Redis and Qdrant know no `'error'`, because a batch may be written again after a crash.
   *
   * @default 'error' in SQL, 'update' in Redis and Qdrant
   */
  readonly onConflict?: 'error' | 'skip' | 'update'
  /** Makes vectors of the texts of records, for Qdrant. @default vectors are zero throughout; `langchain-qdrant` needs it */
  readonly embed?: (texts: readonly string[]) => Promise<readonly (Float32Array | readonly number[])[]>
  /** How `embed` is called, as `qdrantSink` takes it: how long one call may take, and how often it is made again. */
  readonly embedding?: { readonly timeoutMs?: number; readonly maxRetries?: number; readonly [option: string]: unknown }
  /** How long those vectors are. @default what `embed` says of itself, else 768 */
  readonly dimensions?: number
  /**
   * Of a chat history in PostgreSQL whose table is created: `uuid` makes that of langchain-postgres, which has a time for each message and takes no
   * session that is not a UUID; `text` that of langchain-community, which takes all. @default 'text'
   */
  readonly sessions?: 'text' | 'uuid'
}

/** A layout: what its records are, and how they are read and written. */
export type Layout = LayoutOf<CheckpointRecord> | LayoutOf<MessageRecord>
