import type { FidelityIssue, LogicalType, RecordSchema } from '../contracts/schema.js'
import type { JsonValues } from './json-values.js'

/** What JSON without tags cannot hold of such records. Of floats only NaN and infinities, which are refused when they come. */
export function jsonFidelity(schema: RecordSchema, values: JsonValues): readonly FidelityIssue[] {
  if (values === 'extended') return []
  return schema.fields.flatMap(({ name, type }) => {
    const loses = lossOf(type)
    return loses === null ? [] : [{ field: name, loses, remedy: "values: 'extended'" }]
  })
}

function lossOf(type: LogicalType): string | null {
  switch (type.kind) {
    case 'bytes':
      return 'plain JSON has no bytes'
    case 'any':
      return 'plain JSON cannot tell bytes from text, nor the integer 1 from the float 1.0'
    case 'list':
      return lossOf(type.of)
    case 'struct':
      return type.fields.map((field) => lossOf(field.type)).find((loss) => loss !== null) ?? null
    default:
      return null
  }
}
