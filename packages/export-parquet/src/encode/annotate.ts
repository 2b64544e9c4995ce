import type { LogicalType } from '@drover/core'
import { elementField } from './metadata.js'
import type { ThriftFields, ThriftValue } from './thrift.js'
import { i32, withFields } from './thrift-fields.js'

const uuid: ThriftValue = union(14)
const json: ThriftValue = union(12)
const convertedJson = 19

/**
 * Elements of a schema with the annotations that parquet-wasm leaves out: UUID on the 16 bytes of a uuid, JSON on the text of a json. All else
 * stays as it is. Both types order their values byte by byte without a sign, as the columns without annotation do: statistics stay true.
 */
export function annotate(
  elements: readonly ThriftFields[],
  columns: readonly { readonly type: LogicalType }[],
): ThriftFields[] {
  const annotated = [...elements]
  let at = 1
  for (const { type } of columns) visit(type)
  return annotated

  /** Depth first, as the elements stand. A list has two elements above that of its items: `name`, `list`. */
  function visit(type: LogicalType): void {
    const element = annotated[at]
    if (element === undefined) return
    if (type.kind === 'uuid') annotated[at] = withFields(element, { [elementField.logicalType]: uuid })
    if (type.kind === 'json') {
      annotated[at] = withFields(element, {
        [elementField.convertedType]: i32(convertedJson),
        [elementField.logicalType]: json,
      })
    }
    at += 1
    if (type.kind === 'list') {
      at += 1
      visit(type.of)
    } else if (type.kind === 'struct') {
      for (const field of type.fields) visit(field.type)
    } else if (type.kind === 'vector') {
      at += 2
    }
  }
}

function union(member: number): ThriftValue {
  return { kind: 'struct', fields: new Map([[member, { kind: 'struct', fields: new Map() }]]) }
}
