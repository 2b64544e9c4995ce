import type { Filter } from '../contracts/filter.js'
import type { Field, RecordSchema } from '../contracts/schema.js'
import { DroverError } from '../errors/drover-error.js'
import { isAnd, isNot, isOr } from '../filters/conjuncts.js'
import type { Step } from '../flow/flow.js'
import { requireFields } from '../transformers/built-in.js'
import { type StepCall, stepCall } from './step-call.js'

/** Whether a step names fields that a schema could tell to be wrong. */
export function namesFields(steps: readonly Step[]): boolean {
  return steps.some((step, i) => step.kind === 'match' || stepCall(step, i + 1).traits?.check !== undefined)
}

/**
 * Refuses steps that name a field which the records in front of them cannot have: a misspelt `mask` would let a secret pass. Behind a step that
 * does not describe its records nothing is known any more, nor where the source has only looked at some.
 *
 * @throws what the steps throw: `NAME_UNKNOWN`, `OPTION_INVALID`
 */
export function checkSteps(name: string, steps: readonly Step[], schema: RecordSchema): void {
  let known: RecordSchema | null = schema.fields.length === 0 || schema.isInferred === true ? null : schema
  for (const [i, step] of steps.entries()) {
    if (known === null) return
    const call = stepCall(step, i + 1)
    try {
      if (step.kind === 'match') requireFields(call.name, fieldsOf(step.filter), known)
      call.traits?.check?.(known)
    } catch (error) {
      const { code, message } = DroverError.from(error, `the check of ${call.name} failed`)
      throw new DroverError(code, `${name}: ${message} Nothing was written.`, { cause: error })
    }
    known = schemaAfter(call, known)
  }
}

/** Null if it is not known. Fields that a step says it sets may be missing in what it describes. */
function schemaAfter({ keepsSchema, traits }: StepCall, known: RecordSchema): RecordSchema | null {
  if (keepsSchema) return known
  if (traits?.describe === undefined) return null
  const described = traits.describe(known)
  const names = new Set(described.fields.map(({ name }) => name))
  const added = (traits.writes ?? []).filter((name) => !names.has(name))
  return { ...described, fields: [...described.fields, ...added.map(unknownField)] }
}

function unknownField(name: string): Field {
  return { name, type: { kind: 'any' }, nullable: true }
}

function fieldsOf(filter: Filter): string[] {
  if (isAnd(filter)) return filter.and.flatMap(fieldsOf)
  if (isOr(filter)) return filter.or.flatMap(fieldsOf)
  return isNot(filter) ? fieldsOf(filter.not) : Object.keys(filter)
}
