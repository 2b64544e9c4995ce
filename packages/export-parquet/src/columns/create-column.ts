import type { Field, LogicalType } from '@drover/core'
import { BooleanColumn } from './boolean-column.js'
import { BinaryColumn } from './bytes-columns.js'
import type { ColumnBuilder, Holding } from './column-builder.js'
import type { ColumnPlan } from './column-plan.js'
import { DateColumn } from './date-column.js'
import { DecimalColumn } from './decimal-column.js'
import { FloatColumn } from './float-column.js'
import { Int64Column, IntColumn } from './int-columns.js'
import { ListColumn } from './list-column.js'
import { StructColumn } from './struct-column.js'
import { JsonColumn, TextColumn } from './text-columns.js'
import { TimeColumn } from './time-column.js'
import { TimestampColumn } from './timestamp-column.js'
import { UuidColumn } from './uuid-column.js'
import { VectorColumn } from './vector-column.js'

/** An empty builder for a column. */
export function createColumn({ name, type, nullable, from }: ColumnPlan): ColumnBuilder {
  return create({ name, type, nullable, from: from ?? type, isNamed: from !== undefined })
}

function create({ type, ...others }: Holding): ColumnBuilder {
  switch (type.kind) {
    case 'boolean':
      return new BooleanColumn({ type, ...others })
    case 'int':
      return type.bits === 64 ? new Int64Column({ type, ...others }) : new IntColumn({ type, ...others }, type.bits)
    case 'float':
      return new FloatColumn({ type, ...others })
    case 'decimal':
      return new DecimalColumn({ type, ...others })
    case 'text':
      return new TextColumn({ type, ...others })
    case 'json':
      return new JsonColumn({ type, ...others })
    // Its issue has kept the run from beginning, unless there was nobody to ask.
    case 'any':
      return new TextColumn({ ...others, type: { kind: 'text' } })
    case 'bytes':
      return new BinaryColumn({ type, ...others })
    case 'date':
      return new DateColumn({ type, ...others })
    case 'time':
      return new TimeColumn({ type, ...others })
    case 'timestamp':
      return new TimestampColumn({ type, ...others })
    case 'uuid':
      return new UuidColumn({ type, ...others })
    case 'vector':
      return new VectorColumn({ type, ...others })
    case 'list':
      return new ListColumn({ type, ...others }, create(itemOf(type.of, others)))
    case 'struct':
      return new StructColumn(
        { type, ...others },
        type.fields.map((field) => create(partOf(field, others))),
      )
  }
}

type Others = Omit<Holding, 'type'>

function itemOf(type: LogicalType, { from, isNamed }: Others): Holding {
  return { name: '', type, nullable: true, from: from.kind === 'list' ? from.of : type, isNamed }
}

function partOf({ name, type, nullable }: Field, { from, isNamed }: Others): Holding {
  const fields = from.kind === 'struct' ? from.fields : []
  return { name: `.${name}`, type, nullable, from: fields.find((field) => field.name === name)?.type ?? type, isNamed }
}
