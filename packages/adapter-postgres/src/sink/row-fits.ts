import type { Row } from '@drover/core'
import { isInherited } from '../wire/own-field.js'

/** Whether a record has these fields and no others, none of them undefined. */
export type Fits = (row: Row) => boolean

/** Asked for every record, so it is code made for these names; where code may not be made of text, it is a loop. */
export function rowFits(names: readonly string[]): Fits {
  try {
    return generated(names)
  } catch (error) {
    if (error instanceof EvalError) return loop(names)
    throw error
  }
}

/** `node --disallow-code-generation-from-strings` refuses what is done here. Names are quoted as JSON, which JavaScript reads. */
function generated(names: readonly string[]): Fits {
  const present = names.map((name) => {
    const field = JSON.stringify(name)
    return isInherited(name) ? `own(row, ${field}) && row[${field}] !== undefined` : `row[${field}] !== undefined`
  })
  const code = `'use strict'
    return (row) => {
      let fields = 0
      for (const _ in row) fields++
      return fields === ${[String(names.length), ...present].join(' && ')}
    }`
  return (new Function('own', code) as (own: typeof Object.hasOwn) => Fits)(Object.hasOwn)
}

/** Exported for its test. */
export function loop(names: readonly string[]): Fits {
  return (row) =>
    Object.keys(row).length === names.length &&
    names.every((name) => row[name] !== undefined && (!isInherited(name) || Object.hasOwn(row, name)))
}
