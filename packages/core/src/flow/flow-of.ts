import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Filter } from '../contracts/filter.js'
import type { Source } from '../contracts/source.js'
import { shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { checkFilter } from '../filters/check-filter.js'
import type { Flow, Step } from './flow.js'

/** Makes a flow of a source and the steps behind it. Adding a step makes a new flow; the old one stays as it is. */
export function flowOf<R>(source: Source, steps: readonly Step[]): Flow<R> {
  checkSource(source)
  const add = (step: Step): Flow<never> => flowOf(source, [...steps, step])
  return Object.freeze({
    source,
    steps: Object.freeze([...steps]),
    pipe: (run: unknown) => add({ kind: 'transform', run: checkFunction(run) }),
    filter: (by: unknown) => add(filterStep(by)),
    validate: (schema: unknown) => add({ kind: 'validate', schema: checkSchema(schema) }),
  }) as Flow<R>
}

function filterStep(by: unknown): Step {
  if (typeof by === 'function') return { kind: 'filter', keep: by as (record: never) => unknown }
  checkFilter(by)
  return { kind: 'match', filter: by as Filter }
}

function checkFunction(run: unknown): (record: never) => unknown {
  if (typeof run === 'function') return run as (record: never) => unknown
  throw new DroverError('OPTION_INVALID', `pipe: a step is a function of a record, not ${shown(run)}.`)
}

/** Some libraries' schemas are functions, others objects: what counts is the property that the standard names. */
function checkSchema(schema: unknown): StandardSchemaV1<unknown, object> {
  const standard = (schema as Partial<StandardSchemaV1> | null | undefined)?.['~standard']
  if (standard?.version === 1 && typeof standard.validate === 'function') {
    return schema as StandardSchemaV1<unknown, object>
  }
  throw new DroverError(
    'OPTION_INVALID',
    `validate: a schema follows Standard Schema v1, as those of zod, valibot and arktype do; this one is ${shown(schema)}.`,
  )
}

function checkSource(source: unknown): void {
  if (typeof (source as Partial<Source> | null | undefined)?.connect === 'function') return
  throw new DroverError(
    'OPTION_INVALID',
    `from: a flow begins with a source, such as memorySource({ … }) gives, not ${shown(source)}.`,
  )
}
