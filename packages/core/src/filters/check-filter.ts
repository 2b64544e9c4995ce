import type { Filter } from '../contracts/filter.js'
import { shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import { globPattern, likePattern } from './pattern.js'

/** Each operator of a condition with the check of its operand. */
const operators: Readonly<Record<string, (operand: unknown, at: string) => void>> = {
  eq: checkValue,
  ne: checkValue,
  in: checkValues,
  nin: checkValues,
  gt: checkValue,
  gte: checkValue,
  lt: checkValue,
  lte: checkValue,
  like: (operand, at) => void likePattern(checkedText(operand, at), at),
  glob: (operand, at) => void globPattern(checkedText(operand, at), at),
  isNull: checkFlag,
}

/**
 * Refuses what is no filter, before a record is read.
 *
 * @throws `NAME_UNKNOWN` for an operator that does not exist, with the list; `OPTION_INVALID` for an operand of a wrong
 *   type, and for `and`, `or` or `not` beside other names in one object.
 */
export function checkFilter(filter: unknown): asserts filter is Filter {
  checkPart(filter, 'filter')
}

function checkPart(filter: unknown, at: string): void {
  const entries = Object.entries(plainObject(filter, at, 'an object such as { role: { eq: "user" } }'))
  for (const [name, part] of entries) {
    const here = `${at}.${name}`
    if (name !== 'and' && name !== 'or' && name !== 'not') {
      checkCondition(part, here)
      continue
    }
    if (entries.length > 1)
      throw invalid(here, `"${name}" stands alone in its object; put all conditions into one "and".`)
    if (name === 'not') checkPart(part, here)
    else for (const [i, one] of array(part, here, 'an array of filters').entries()) checkPart(one, `${here}[${i}]`)
  }
}

function checkCondition(condition: unknown, at: string): void {
  const entries = Object.entries(plainObject(condition, at, 'a condition, an object such as { eq: 1 }'))
  if (entries.length === 0) throw invalid(at, `a condition names at least one of ${Object.keys(operators).join(', ')}.`)
  for (const [name, operand] of entries) {
    const check = Object.hasOwn(operators, name) ? operators[name] : undefined
    if (check === undefined) {
      const known = suggestNames(name, Object.keys(operators))
      throw new DroverError('NAME_UNKNOWN', `${at}: there is no operator "${name}"${known}`)
    }
    check(operand, `${at}.${name}`)
  }
}

function checkValue(operand: unknown, at: string): void {
  const type = typeof operand
  if (type === 'string' || type === 'bigint' || type === 'boolean') return
  if (type === 'number' && !Number.isNaN(operand)) return
  if (operand instanceof Date && !Number.isNaN(operand.getTime())) return
  const hint = operand === null ? '; to ask for null there is isNull' : ''
  throw invalid(
    at,
    `a value to compare with is a text, a number, a bigint, a boolean or a Date, not ${shown(operand)}${hint}.`,
  )
}

function checkValues(operand: unknown, at: string): void {
  for (const [i, one] of array(operand, at, 'an array of values').entries()) checkValue(one, `${at}[${i}]`)
}

function checkFlag(operand: unknown, at: string): void {
  if (typeof operand !== 'boolean') throw invalid(at, `isNull is true or false, not ${shown(operand)}.`)
}

function checkedText(operand: unknown, at: string): string {
  if (typeof operand === 'string') return operand
  throw invalid(at, `a pattern is a text, not ${shown(operand)}.`)
}

function array(value: unknown, at: string, wanted: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw invalid(at, `this is ${wanted}, not ${shown(value)}.`)
}

/** Neither an array nor an instance of a class: their entries would look like conditions. */
function plainObject(value: unknown, at: string, wanted: string): object {
  if (typeof value === 'object' && value !== null) {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === null || Object.getPrototypeOf(prototype) === null) return value
  }
  throw invalid(at, `this is ${wanted}, not ${shown(value)}.`)
}

function invalid(at: string, message: string): DroverError {
  return new DroverError('OPTION_INVALID', `${at}: ${message}`)
}
