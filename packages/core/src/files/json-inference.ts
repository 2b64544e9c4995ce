import type { Field, LogicalType, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { SchemaInference } from '../schema/infer-schema.js'
import type { RawRecordsPage } from './raw-records-page.js'

const any = { kind: 'any' } as const
const json = { kind: 'json' } as const
const integral = /^-?\d+(?:\.0|e\+\d+)$/

/**
 * Finds out what the records of JSON files look like. Every field may be null: what was not looked at may lack it. Values of
 * several types are `json`, which is what they are; only where tags tell integers from floats the field is `any`, as it
 * was in the store that the file came from.
 */
export class JsonInference {
  readonly #inference = new SchemaInference()
  readonly #tagged = new Set<string>()

  add(page: RawRecordsPage, isExtended: boolean): void {
    for (const row of page.rows()) this.#inference.add(row)
    if (!isExtended || !page.includes('"$number')) return
    for (const row of page.undecodedRows()) {
      for (const name in row) if (isTaggedInteger(row[name])) this.#tagged.add(name)
    }
  }

  schema(key: readonly string[]): RecordSchema {
    const { fields } = this.#inference.schema([])
    return {
      key,
      fields: fields.map(
        ({ name, type }): Field => ({ name, type: this.#typeOf(name, type), nullable: !key.includes(name) }),
      ),
    }
  }

  #typeOf(name: string, type: LogicalType): LogicalType {
    if (this.#tagged.has(name)) return any
    return type.kind === 'any' ? json : type
  }
}

/** Only values of `any` fields are written so; NaN and its like are tagged in float fields, too. */
function isTaggedInteger(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { $numberLong, $numberDouble } = value as Row
  return (
    $numberLong !== undefined ||
    (typeof $numberDouble === 'string' && $numberDouble !== '-0.0' && integral.test($numberDouble))
  )
}
