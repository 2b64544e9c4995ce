import type { LogicalType, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { checkOptionNames, checkText, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { type BuiltIn, builtIn, checkFields, type Having, withField } from './built-in.js'

export interface SetFieldOptions {
  /** What the function gives. Without it the type is inferred from the records. */
  readonly type?: LogicalType
  /** Part of the run's fingerprint; raise it when the function changes what it does. */
  readonly version?: string
}

/** What `setField` gives. */
export interface SetFieldTransformer<T extends string, F extends string, V> extends BuiltIn {
  <R extends Having<R, F>>(record: R): Omit<R, T> & { [K in T]: V }
}

/**
 * Sets one field to what a function makes of others. It says what it reads and what it writes, so that where a page is
 * stored by column the other columns need not be decoded.
 *
 * ```ts
 * setField('tokens', ['content'], (content) => estimateTokens(String(content)))
 * ```
 *
 * The function is synchronous; an asynchronous step is a function given to `pipe`.
 *
 * @throws `OPTION_INVALID`; `TRANSFORM_INVALID_RESULT` if the function gives a promise.
 */
export function setField<const T extends string, const F extends string, V>(
  target: T,
  reads: readonly F[],
  value: (...values: unknown[]) => V,
  options: SetFieldOptions = {},
): SetFieldTransformer<T, F, V> {
  checkText('setField', 'the field to set', target)
  checkFields('setField', reads)
  checkOptionNames('setField', options, ['type', 'version'])
  if (options.version !== undefined) checkText('setField', 'version', options.version)
  if (typeof value !== 'function') {
    throw new DroverError('OPTION_INVALID', `setField: the value comes from a function, not ${shown(value)}.`)
  }
  const name: string = target
  const run = (record: Row): Row => {
    const made: unknown = value(...reads.map((field) => record[field]))
    if (made instanceof Promise) throw asynchronous(name, made)
    return { ...record, [name]: made }
  }
  const { type, version = '1' } = options
  const traits = { name: 'setField', reads, writes: [name] }
  const args = { version, target, reads }
  if (type === undefined) return builtIn(traits, args, run)
  const describe = (schema: RecordSchema) => withField(schema, { name, type, nullable: true })
  return builtIn({ ...traits, describe }, args, run)
}

function asynchronous(field: string, promise: Promise<unknown>): DroverError {
  // Nobody will look at it; a rejection must not end the process.
  promise.catch(() => {})
  return new DroverError(
    'TRANSFORM_INVALID_RESULT',
    `setField: the function for "${field}" gave a promise; give an asynchronous function to pipe instead.`,
  )
}
