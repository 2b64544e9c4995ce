import type { Filter } from './filter.js'
import type { Page } from './page.js'
import type { Partition } from './position.js'
import type { RecordSchema } from './schema.js'
import type { ConnectOperation } from './stall.js'
import type { Cursor, Operation, Row } from './values.js'

/** How many records; an estimate says that it is one. */
export interface Count {
  readonly value: number
  readonly exact: boolean
}

/** What one long read is asked for. */
export interface ReadOptions extends Operation {
  readonly partition: Partition
  /** Where to go on; null from the partition's beginning. */
  readonly after: Cursor | null
  /** Only what `pushDown` said it would take. */
  readonly filter?: Filter
  /** A page never exceeds `records`; it ends at `bytes`, or at its first record if that is larger. */
  readonly page: { readonly records: number; readonly bytes: number }
  /**
   * Forms of page that the sink takes as they are (see `SinkSession.forms`), where no step stands between. Who knows one of
   * them may give pages that throw `PAGE_STALE` for their rows. An empty list asks for rows and nothing else.
   */
  readonly forms?: readonly string[]
  /** Id of the run that reads, where there is one: for a source that does something once for each run. */
  readonly run?: string
}

/**
 * Where records come from. A description is inert and reusable: a dry run, the run and a verification may use it
 * side by side. Only a session holds a connection.
 */
export interface Source<out R = Row> {
  readonly specVersion: 1
  /** Part of the run's fingerprint; shown in reports. Carries no secret. */
  readonly name: string
  readonly version?: string
  /** A pass may give a record twice: a sink without a key is then refused. @default false */
  readonly repeats?: boolean
  /** A cursor says nothing of when a record came, so there is nothing behind the last one: `again: 'incremental'` is refused. @default false */
  readonly isUnordered?: boolean
  connect(operation: ConnectOperation): Promise<SourceSession<R>>
}

/** An open source. Disposing of it twice does nothing the second time. */
export interface SourceSession<out R = Row> extends AsyncDisposable {
  /** Fields and key, as far as they are known before reading. */
  describe(operation: Operation): Promise<RecordSchema>
  count?(options: Operation & { readonly filter?: Filter }): Promise<Count>
  /** Pure: what goes into `read({ filter })`, and what the engine applies itself. The result is the same either way. */
  pushDown?(filter: Filter): { readonly pushed?: Filter; readonly rest?: Filter }
  /** It consists of parts of their own, such as the tables of a database: `partition` gives them however few are worked on at once. */
  readonly hasParts?: boolean
  /** About `count` disjoint partitions that together hold all records, also those inserted later. */
  partition?(options: Operation & { readonly count: number; readonly filter?: Filter }): Promise<readonly Partition[]>
  /** Cut what is left of a partition in two, for a skewed key range. */
  split?(
    options: Operation & { readonly partition: Partition; readonly after: Cursor | null },
  ): Promise<readonly Partition[]>
  /** One long read that does not know where batches end. Leaving the loop frees what it holds. */
  read(options: ReadOptions): AsyncIterable<Page<R>>
}
