import type { RecordSchema, Row, Source } from '@drover/core'
import type { KeyKind } from '../support/shapes.js'
import type { ValueSetName } from '../support/value-sets.js'

/** What a source can do, so that the suite knows what to test, and that the rest is not there. */
export interface SourceCapabilities {
  /** Kinds of key a record may have. Each is tested by itself. */
  readonly keys: readonly KeyKind[]
  /** Sets of values that arrive as they were stored. */
  readonly values: readonly ValueSetName[]
  /** The session has `count`. `exact` also under filters. @default 'none' */
  readonly count?: 'exact' | 'estimated' | 'none'
  /** The session has `partition`. @default false */
  readonly partitions?: boolean
  /** The session has `split`. @default false */
  readonly split?: boolean
  /** The session has `pushDown`. @default false */
  readonly pushDown?: boolean
  /** Records can be added while the store is open, and a read that begins later gives them. @default true */
  readonly grows?: boolean
  /** The description says `repeats`: a pass may give a record twice. @default false */
  readonly repeats?: boolean
  /** The harness has `spoil`. @default false */
  readonly unreadable?: boolean
}

/** A store made for one test, and what the suite has to know of it. */
export interface SourceHarness extends AsyncDisposable {
  /** A new description of the same store, as a process that starts now would make it. */
  open(): Source
  /** Adds records to those that are there. */
  seed(records: readonly Row[]): Promise<void>
  /** Damages what is stored of this record so that it cannot be decoded, and says which key its reject carries. */
  spoil?(record: Row): Promise<readonly unknown[] | null>
}

export interface SourceHarnessFactory {
  readonly capabilities: SourceCapabilities
  /** Makes an empty store for records of this schema. */
  create(schema: RecordSchema): Promise<SourceHarness>
}
