import type { FileIdentity, JsonValue, Manifest, RecordSchema } from '@drover/core'
import type { ColumnPlan, TablePlan } from '../columns/column-plan.js'
import { type NullablePaths, nullablePaths, withNullable } from '../columns/nullable-paths.js'

/** What the columns of an output are: settled once, kept with the run. */
export interface OutputPlan {
  readonly plan: TablePlan
  /** Columns that stand in the names of folders. */
  readonly partition: readonly ColumnPlan[]
  readonly key: readonly string[]
}

/** A file of a data set that is ours: whoever finds it so may remove it. */
export interface OwnFile {
  /** Relative to the data set, with `/`. */
  readonly path: string
  readonly bytes: number
}

/** What an output is about to be, stored before anything gets its final name. */
export interface Announced {
  readonly files: readonly (FileIdentity & { readonly path: string })[]
  /** Text of the manifest; null if there is none. */
  readonly manifest: string | null
  /** Files of before, which go once all is in its place. */
  readonly remove: readonly OwnFile[]
}

/** What the manifest of a lane holds besides what every format has there. */
export interface LaneDetails {
  /** When the run came to the output for the first time, in ISO 8601. */
  readonly createdAt: string
  readonly output?: OutputPlan
  /** Files that runs left which did not come to their end. */
  readonly leftovers?: readonly OwnFile[]
  /** The run adds to a data set. */
  readonly appends?: boolean
  /** The manifest of that, as it was when the run began. */
  readonly base?: FileIdentity
  readonly announced?: Announced
}

export function detailsOf(manifest: Manifest): LaneDetails {
  return (manifest.details as unknown as LaneDetails | undefined) ?? { createdAt: new Date(0).toISOString() }
}

export function asJson(details: LaneDetails): JsonValue {
  return details as unknown as JsonValue
}

/** The columns as records have them: those of the files, then those of the folders. */
export function schemaOf({ plan, partition, key }: OutputPlan): RecordSchema {
  const fields = [...plan.columns, ...partition].map(({ name, type, nullable }) => ({ name, type, nullable }))
  return { fields, key }
}

/** The columns with those of `required` never null. */
export function withRequired({ plan, partition, key }: OutputPlan, required: ReadonlySet<string>): OutputPlan {
  const settled = (column: ColumnPlan): ColumnPlan =>
    required.has(column.name) ? { ...column, nullable: false } : column
  return { plan: { columns: plan.columns.map(settled) }, partition: partition.map(settled), key }
}

/** The columns, which may be null also where `paths` says so: whatever they hold, they hold it then too. */
export function widened({ plan, partition, key }: OutputPlan, paths: NullablePaths): OutputPlan {
  return { plan: { columns: withNullable(plan.columns, paths) }, partition: withNullable(partition, paths), key }
}

/** Names of the columns in which two plans differ. */
export function columnsDiffering(a: OutputPlan, b: OutputPlan): string[] {
  return differingFields(schemaOf(a), schemaOf(b))
}

/** Names of the columns by which what was settled cannot hold all that is to be written now. */
export function columnsNotHeld(settled: OutputPlan, now: OutputPlan): string[] {
  return columnsDiffering(settled, widened(now, nullablePaths(schemaOf(settled).fields)))
}

/** A schema of records of both: what may be null in either may be. */
export function joined(a: RecordSchema, b: RecordSchema): RecordSchema {
  return { ...a, fields: withNullable(a.fields, nullablePaths(b.fields)) }
}

export function differingFields(a: RecordSchema, b: RecordSchema): string[] {
  const texts = (schema: RecordSchema) =>
    new Map(schema.fields.map((field) => [field.name, canonicalJson([field.type, field.nullable])]))
  const [ours, theirs] = [texts(a), texts(b)]
  const names = new Set([...ours.keys(), ...theirs.keys()])
  const differing = [...names].filter((name) => ours.get(name) !== theirs.get(name))
  if (differing.length > 0) return differing
  // The same columns in another order.
  return a.fields.flatMap(({ name }, i) => (b.fields[i]?.name === name ? [] : [name]))
}

/** The same text whatever the order in which objects got their fields. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, held: unknown) =>
    typeof held === 'object' && held !== null && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).sort(([x], [y]) => (x < y ? -1 : 1)))
      : held,
  )
}
