/** What a field holds, whatever the store calls it. The fidelity check compares both ends in these terms. */
export type LogicalType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int'; readonly bits: 8 | 16 | 32 | 64 }
  | { readonly kind: 'decimal'; readonly precision?: number; readonly scale?: number }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  | { readonly kind: 'text' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'date' }
  | { readonly kind: 'time' }
  /** `digits` of a second: 3 is milliseconds, 6 microseconds. */
  | { readonly kind: 'timestamp'; readonly zone: boolean; readonly digits: number }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'json' }
  | { readonly kind: 'list'; readonly of: LogicalType }
  /**
   * Of float32. `isNormalized`: its store keeps the direction alone, each vector having the length 1. `bits` of each number, where the store keeps fewer
   * than 32. A verification compares what is left.
   */
  | { readonly kind: 'vector'; readonly dimensions: number; readonly isNormalized?: boolean; readonly bits?: 16 }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] }
  /** Each value brings its own type: a SQLite column without one, a field seen with several. */
  | { readonly kind: 'any' }

/** One field of a record. */
export interface Field {
  readonly name: string
  readonly type: LogicalType
  readonly nullable: boolean
  /** The store's own name of the type, such as `NVARCHAR(160)`: a sink of the same kind creates the column with it. */
  readonly native?: string
  /** Its texts are JSON, says the store: a sink whose store has a type for JSON may create the column with that. */
  readonly holds?: 'json'
}

/** What the records of a source, or those a sink is about to get, look like. */
export interface RecordSchema {
  readonly fields: readonly Field[]
  /** Names of the fields that identify a record, in order; empty if nothing does. */
  readonly key: readonly string[]
  /** The fields are those of records that were looked at: others may have more. @default false */
  readonly isInferred?: boolean
}

/** A field that cannot arrive as it left. The run is refused before its first write, unless the user named a coercion. */
export interface FidelityIssue {
  readonly field: string
  /** What would be lost, as a sentence. */
  readonly loses: string
  /** The option that would accept it. */
  readonly remedy?: string
}
