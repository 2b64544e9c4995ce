import type { MaybePromise } from '../contracts/values.js'
import { checkOptionNames, checkText, checkWholeNumber, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import {
  type BatchTransform,
  batchForm,
  type NamedStep,
  type NamedTransformer,
  type StepFunction,
  type TransformContext,
  type TransformerOptions,
  type TransformerTraits,
} from './transformer.js'

const optionNames = [
  'name',
  'version',
  'reads',
  'writes',
  'describe',
  'check',
  'concurrency',
  'timeoutMs',
  'open',
  'close',
  'transform',
  'transformBatch',
] as const

/**
 * Gives a transformer its name, version and other traits. It takes either `transform`, record by record, or
 * `transformBatch`, which answers for many records at once with one result for each, by place.
 *
 * ```ts
 * const embed = transformer({
 *   name: 'embed',
 *   version: '2',
 *   reads: ['content'],
 *   transformBatch: async (messages: readonly Message[], { signal }) => {
 *     const vectors = await model.embed(messages.map((m) => m.content), { signal })
 *     return messages.map((m, i) => ({ id: m.id, vector: vectors[i] }))
 *   },
 * })
 * ```
 *
 * A generic function stays one: with `transform: <R extends Message>(m: R) => ({ ...m, words: 1 })` a step keeps all fields of its
 * records where the flow says what those are, `.pipe(counting<Message>)`. TypeScript does not find that out by itself for a
 * function with traits: `.pipe(counting)` knows the fields that `Message` names. `transformBatch` cannot be generic.
 *
 * @throws `OPTION_INVALID`
 */
export function transformer<F extends StepFunction>(
  options: TransformerTraits<Parameters<F>[0]> & { readonly transform: F; readonly transformBatch?: never },
): NamedStep<F>
export function transformer<I, O extends object>(options: TransformerOptions<I, O>): NamedTransformer<I, O>
export function transformer<I, O extends object>(options: TransformerOptions<I, O>): NamedTransformer<I, O> {
  checkOptions(options)
  const { transform, transformBatch, ...traits } = options
  if (transform !== undefined) {
    // A function of its own: the user's may be shared by two transformers with different traits.
    const run = (record: I, context: TransformContext) => transform(record, context)
    return Object.assign(run, { traits: Object.freeze(traits) })
  }
  const one = (record: I, context: TransformContext) => only(transformBatch([record], context), options.name)
  return Object.assign(one, { traits: Object.freeze(traits), [batchForm]: transformBatch })
}

/** The result of a batch of one. */
function only<O>(results: ReturnType<BatchTransform<never, O>>, name: string): MaybePromise<O | readonly O[] | null> {
  if (isPromiseLike(results))
    return results.then((settled) => only(settled, name)) as PromiseLike<O | readonly O[] | null>
  if (Array.isArray(results) && results.length === 1) return results[0] as O | readonly O[] | null
  const got = Array.isArray(results) ? `${results.length} results` : shown(results)
  throw new DroverError(
    'TRANSFORM_INVALID_RESULT',
    `Transformer "${name}" gave ${got} for 1 record; it has to give one result per record, by place.`,
  )
}

function isPromiseLike<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | null | undefined)?.then === 'function'
}

function checkOptions<I, O>(options: TransformerOptions<I, O>): void {
  checkOptionNames('transformer', options, optionNames)
  checkText('transformer', 'name', options.name)
  const where = `transformer "${options.name}"`
  if (options.version !== undefined) checkText(where, 'version', options.version)
  checkWholeNumber(where, 'concurrency', options.concurrency, 1)
  checkWholeNumber(where, 'timeoutMs', options.timeoutMs, 1)
  for (const name of ['reads', 'writes'] as const) checkNames(where, name, options[name])
  for (const name of ['describe', 'check', 'open', 'close', 'transform', 'transformBatch'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'function')
      throw invalid(where, `${name} is a function, not ${shown(value)}.`)
  }
  if ((options.transform === undefined) === (options.transformBatch === undefined)) {
    throw invalid(where, 'it takes either transform or transformBatch.')
  }
}

function checkNames(where: string, option: string, names: unknown): void {
  if (names === undefined || (Array.isArray(names) && names.every((name) => typeof name === 'string'))) return
  throw invalid(where, `${option} is an array of field names, not ${shown(names)}.`)
}

function invalid(where: string, message: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${message}`)
}
