import type { Flow, RecordSchema, Row, Sink, Source } from '@drover/core'
import type { NamedSet } from './sets.js'

/** A store that the matrix copies from and to. */
export interface Store extends AsyncDisposable {
  readonly name: string
  /** Whether it has such a type itself: what it only keeps as a text is a text, and copied as one. */
  readonly holds: (set: NamedSet) => boolean
  /** What its source is to give for a value. @default the value */
  readonly given?: (value: unknown, set: NamedSet) => unknown
  /**
   * Puts records into it, by other means than Drover's wherever there are such, and gives a source of them, with a step where it has to be told what a record is.
   */
  readonly seed: (sets: readonly NamedSet[], records: readonly Row[]) => Promise<Source | Flow<Row>>
  /** An empty place in it for records of these sets, new at each call. */
  readonly place: (sets: readonly NamedSet[]) => Place
}

/** Where a copy goes. */
export interface Place {
  readonly sink: Sink
  /** What a source of this store gives of it afterwards. @param schema What the sink was told of the records. */
  readonly contents: (schema: RecordSchema) => Promise<readonly Row[]>
}
