import type { RecordSchema } from '@drover/core'
import type { JsonStrings } from './row-encoder.js'

/**
 * What strings for a json column are. Where the user does not say it, a field of texts, as another store keeps JSON in, has JSON
 * texts; one that is known to hold JSON has values.
 */
export function jsonStringsOf(
  given: 'text' | 'value' | undefined,
  schema: RecordSchema | null,
): (column: string) => JsonStrings {
  if (given !== undefined) return () => given
  const known = new Map(
    schema?.fields.map(({ name, type }): [string, JsonStrings] => {
      return [name, type.kind === 'text' ? 'text' : type.kind === 'any' ? 'unclear' : 'value']
    }),
  )
  return (column) => known.get(column) ?? 'unclear'
}
