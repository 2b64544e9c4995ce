import type { RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { checkOptionNames, checkWholeNumber, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { type BuiltIn, builtIn, checkFields, type Having, having, retyped } from './built-in.js'

export interface MaskOptions {
  /** Characters at the end that stay readable; a text that is not longer is hidden as a whole. @default 0 */
  readonly keep?: number
  /** What stands in place of each hidden character: one character. @default '*' */
  readonly with?: string
}

/** What `mask` gives. */
export interface MaskTransformer<F extends string> extends BuiltIn {
  <R extends Having<R, F>>(record: R): R
}

/**
 * Hides texts, character by character (by code point, so an emoji is one). Null stays null.
 *
 * ```ts
 * mask(['card'], { keep: 4 }) // '4111111111111111' → '************1111'
 * ```
 *
 * A value that is no text is refused, not let through: its record is rejected. A field that the records cannot have, as far
 * as the source says what they look like, is refused before the run begins.
 *
 * @throws `OPTION_INVALID`; `NAME_UNKNOWN` when the run begins; `TRANSFORM_FAILED` for a value that is no text.
 */
export function mask<const F extends string>(fields: readonly F[], options: MaskOptions = {}): MaskTransformer<F> {
  checkFields('mask', fields)
  checkOptionNames('mask', options, ['keep', 'with'])
  checkWholeNumber('mask', 'keep', options.keep, 0)
  const { keep = 0, with: sign = '*' } = options
  if (typeof sign !== 'string' || [...sign].length !== 1) {
    throw new DroverError('OPTION_INVALID', `mask: with is one character, not ${shown(sign)}.`)
  }
  const run = (record: Row): Row => {
    const masked = { ...record }
    for (const field of fields) {
      const value = record[field]
      if (value !== null && value !== undefined) masked[field] = hide(value, field, keep, sign)
    }
    return masked
  }
  const describe = (schema: RecordSchema) => retyped(schema, fields, () => ({ kind: 'text' }))
  return builtIn(
    { name: 'mask', reads: fields, writes: fields, describe, check: having('mask', fields) },
    { fields, keep, sign },
    run,
  )
}

function hide(value: unknown, field: string, keep: number, sign: string): string {
  if (typeof value !== 'string') {
    // Its type alone: the value is what must not be seen.
    throw new DroverError(
      'TRANSFORM_FAILED',
      `mask: field "${field}" holds a ${typeof value}, and only text can be masked.`,
    )
  }
  const characters = [...value]
  const hidden = characters.length > keep ? characters.length - keep : characters.length
  return sign.repeat(hidden) + characters.slice(hidden).join('')
}
