import type { LogicalType } from '@drover/core'
import * as arrow from 'apache-arrow'
import type { TablePlan } from './column-plan.js'

/** The columns in Arrow's terms: what `RowGroupBuilder.toIpc` gives has this schema. */
export function arrowSchema(plan: TablePlan): arrow.Schema {
  return new arrow.Schema(plan.columns.map(({ name, type, nullable }) => arrowField(name, type, nullable)))
}

/** Lists call their items as Parquet does: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists */
export function arrowField(name: string, type: LogicalType, nullable: boolean): arrow.Field {
  const extension = extensions.get(type.kind)
  const metadata =
    extension === undefined
      ? null
      : new Map([
          ['ARROW:extension:name', extension],
          ['ARROW:extension:metadata', ''],
        ])
  return new arrow.Field(name, arrowType(type), nullable, metadata)
}

/** https://arrow.apache.org/docs/format/CanonicalExtensions.html */
const extensions: ReadonlyMap<LogicalType['kind'], string> = new Map([
  ['json', 'arrow.json'],
  ['uuid', 'arrow.uuid'],
])

export function arrowType(type: LogicalType): arrow.DataType {
  switch (type.kind) {
    case 'boolean':
      return new arrow.Bool()
    case 'int':
      return new arrow.Int(true, type.bits)
    case 'decimal':
      return new arrow.Decimal(type.scale ?? 0, type.precision ?? 38, 128)
    case 'float':
      return type.bits === 32 ? new arrow.Float32() : new arrow.Float64()
    case 'text':
    case 'json':
    // Planned only beside an issue that keeps the run from beginning.
    case 'any':
      return new arrow.Utf8()
    case 'bytes':
      return new arrow.Binary()
    case 'date':
      return new arrow.DateDay()
    case 'time':
      return new arrow.TimeMicrosecond()
    case 'timestamp':
      return new arrow.Timestamp(timestampUnit(type.digits), type.zone ? 'UTC' : null)
    case 'uuid':
      return new arrow.FixedSizeBinary(16)
    case 'vector':
      return new arrow.FixedSizeList(type.dimensions, new arrow.Field('element', new arrow.Float32(), false))
    case 'list':
      return new arrow.List(arrowField('element', type.of, true))
    case 'struct':
      return new arrow.Struct(type.fields.map((field) => arrowField(field.name, field.type, field.nullable)))
  }
}

/** The coarsest unit that has these digits of a second. */
export function timestampUnit(digits: number): arrow.TimeUnit {
  if (digits <= 3) return arrow.TimeUnit.MILLISECOND
  return digits <= 6 ? arrow.TimeUnit.MICROSECOND : arrow.TimeUnit.NANOSECOND
}
