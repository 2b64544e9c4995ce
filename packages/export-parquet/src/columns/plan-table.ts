import {
  DroverError,
  type FidelityIssue,
  type Field,
  type LogicalType,
  type RecordSchema,
  suggestNames,
} from '@drover/core'
import type { ColumnPlan, TablePlan } from './column-plan.js'
import { type ParquetTypeName, parquetType } from './type-names.js'

/** What each column of that name is to hold, whatever the source says it is. */
export type ColumnTypes = Readonly<Record<string, ParquetTypeName | LogicalType>>

export interface PlanOptions {
  readonly types?: ColumnTypes
  /** Fields that stand in the names of folders, and not in the files. */
  readonly partitionBy?: readonly string[]
  /**
   * The schema is a guess from some records: then every column may be null, and a field that only `types` knows
   * becomes a column too.
   *
   * @default false
   */
  readonly isInferred?: boolean
  /** Names the sink in errors. @default 'parquetSink' */
  readonly where?: string
}

export interface PlannedTable {
  readonly plan: TablePlan
  /** The columns of `partitionBy`, in its order. */
  readonly partition: readonly ColumnPlan[]
  readonly issues: readonly FidelityIssue[]
}

/**
 * Settles what the columns of a file hold: the fields of the schema in their order, without those of `partitionBy`.
 *
 * @throws `NAME_UNKNOWN` for a name in `types` or `partitionBy` that no field has
 * @throws `OPTION_INVALID` for a type that cannot be read, or a folder by what cannot name one
 */
export function planTable(schema: RecordSchema, options: PlanOptions = {}): PlannedTable {
  const { types = {}, partitionBy = [], isInferred = false, where = 'parquetSink' } = options
  const fields = isInferred ? [...schema.fields, ...unseenFields(schema, types)] : schema.fields
  checkNamed(fields, Object.keys(types), `${where}: types`)
  checkNamed(fields, partitionBy, `${where}: partitionBy`)
  const issues: FidelityIssue[] = []
  const planned = fields.map((field) => {
    const column = planColumn(field, types, where)
    issues.push(...issuesOf(column, isInferred || schema.isInferred === true))
    return isInferred ? { ...column, nullable: true } : column
  })
  const columns = planned.filter(({ name }) => !partitionBy.includes(name))
  if (columns.length === 0 && partitionBy.length > 0) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: partitionBy names all fields, so that none is left for the files.`,
    )
  }
  const partition = partitionBy.map((name) => planned.find((column) => column.name === name) as ColumnPlan)
  for (const column of partition) checkPartition(column, where)
  return { plan: { columns }, partition, issues }
}

function unseenFields(schema: RecordSchema, types: ColumnTypes): Field[] {
  const unseen = Object.keys(types).filter((name) => schema.fields.every((field) => field.name !== name))
  return unseen.map((name) => ({ name, type: { kind: 'any' }, nullable: true }))
}

function checkNamed(fields: readonly Field[], names: readonly string[], where: string): void {
  const known = fields.map(({ name }) => name)
  for (const [place, name] of names.entries()) {
    if (!known.includes(name)) {
      throw new DroverError('NAME_UNKNOWN', `${where}: there is no field "${name}"${suggestNames(name, known)}`)
    }
    if (names.indexOf(name) < place) throw new DroverError('OPTION_INVALID', `${where}: "${name}" stands there twice.`)
  }
}

function planColumn({ name, type, nullable, native }: Field, types: ColumnTypes, where: string): ColumnPlan {
  const named = Object.hasOwn(types, name) ? types[name] : undefined
  // SQLite's name: such a column takes every type, and is made for bytes.
  const isBlob = type.kind === 'any' && native !== undefined && /BLOB/i.test(native)
  if (named === undefined) return { name, type: isBlob ? { kind: 'bytes' } : storedType(type), nullable }
  return { name, type: parquetType(named, `${where}: types: "${name}"`), nullable, from: type }
}

/** What Parquet has that holds all values of a type; a type that has issues stays as it is. */
function storedType(type: LogicalType): LogicalType {
  switch (type.kind) {
    case 'decimal':
      return storedDecimal(type)
    case 'vector':
      return type.dimensions > 0 ? type : { kind: 'list', of: { kind: 'float', bits: 32 } }
    case 'list':
      return { kind: 'list', of: storedType(type.of) }
    case 'struct':
      return { kind: 'struct', fields: type.fields.map((field) => ({ ...field, type: storedType(field.type) })) }
    default:
      return type
  }
}

/** Postgres has scales below zero (whole tens) and above the precision (zeros behind the point); Parquet has neither. */
function storedDecimal({ precision, scale = 0 }: LogicalType & { kind: 'decimal' }): LogicalType {
  if (precision === undefined) return { kind: 'decimal' }
  if (scale < 0) return { kind: 'decimal', precision: precision - scale, scale: 0 }
  return { kind: 'decimal', precision: Math.max(precision, scale), scale }
}

const surrogate = /\p{Surrogate}/u

function issuesOf({ name, type }: ColumnPlan, isSeen: boolean): FidelityIssue[] {
  if (surrogate.test(name)) {
    return [
      {
        field: name,
        loses: 'half of a surrogate pair is in its name, and UTF-8 has none',
        remedy: 'rename it in a step',
      },
    ]
  }
  // Integers of 64 bits are what is seen as such; those beyond have no type of their own.
  if (type.kind === 'any' && isSeen) {
    return [
      {
        field: name,
        loses:
          'what was seen of it has no type in common: values of several types, nothing but nulls, or integers beyond 64 bits',
        remedy: `types: { ${JSON.stringify(name)}: 'json' }; for integers beyond 64 bits 'decimal(20,0)', which has all of 64 bits without a sign, or 'text'`,
      },
    ]
  }
  return losses(type).map(({ loses, instead }) => ({
    field: name,
    loses,
    remedy: `types: { ${JSON.stringify(name)}: '${instead}' }`,
  }))
}

interface Loss {
  readonly loses: string
  readonly instead: ParquetTypeName
}

function losses(type: LogicalType): readonly Loss[] {
  switch (type.kind) {
    case 'decimal':
      return decimalLosses(type.precision)
    case 'timestamp':
      return type.digits <= 9
        ? []
        : [{ loses: `nothing in Parquet has the ${type.digits} digits of these seconds`, instead: 'text' }]
    case 'any':
      return [
        {
          loses: 'each value brings its own type, or all that were seen are null, and a column in Parquet has one type',
          instead: 'json',
        },
      ]
    case 'list':
      return losses(type.of).map(({ loses }) => ({ loses: `in its items ${loses}`, instead: 'json' }))
    case 'struct':
      if (type.fields.length === 0) return [{ loses: 'Parquet has no struct without fields', instead: 'json' }]
      return type.fields.flatMap((field) =>
        losses(field.type).map(({ loses }) => ({ loses: `in "${field.name}" ${loses}`, instead: 'json' })),
      )
    default:
      return []
  }
}

function decimalLosses(precision: number | undefined): readonly Loss[] {
  if (precision === undefined) {
    return [{ loses: 'a decimal whose digits are not limited has no type in Parquet', instead: 'decimal(38,10)' }]
  }
  return precision <= 38
    ? []
    : [{ loses: `a decimal has at most 38 digits in Parquet, and these up to ${precision}`, instead: 'text' }]
}

const folderKinds: ReadonlySet<LogicalType['kind']> = new Set([
  'boolean',
  'int',
  'text',
  'date',
  'time',
  'timestamp',
  'uuid',
  'decimal',
])

function checkPartition({ name, type }: ColumnPlan, where: string): void {
  if (folderKinds.has(type.kind)) return
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: partitionBy: "${name}" holds ${type.kind}, which cannot name a folder; take a field of ${[...folderKinds].join(', ')}, or name such a type in types.`,
  )
}
