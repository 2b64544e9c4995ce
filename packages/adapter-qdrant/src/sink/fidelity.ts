import type { FidelityIssue, RecordSchema } from '@drover/core'
import { arePoints } from './point-form.js'
import type { AnyOptions } from './sink-options.js'

/**
 * What a payload cannot hold: the difference between 1 and 1.0, in columns whose store keeps it. All else that JSON has no form for has a form of its own.
 */
export function fidelityIssues(schema: RecordSchema, { payload }: AnyOptions): readonly FidelityIssue[] {
  if (typeof payload === 'function' || (arePoints(schema) && payload === undefined)) return []
  return schema.fields
    .filter(
      ({ name, type, native }) => type.kind === 'any' && native !== undefined && (payload?.includes(name) ?? true),
    )
    .map(({ name }) => ({
      field: name,
      loses: 'a payload has one sort of numbers, and does not tell the integer 1 from the real number 1.0',
      remedy: 'make one type of it in a step, or leave it out of payload',
    }))
}
