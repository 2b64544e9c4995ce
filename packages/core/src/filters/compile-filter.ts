import type { FieldCondition, Filter, FilterValue } from '../contracts/filter.js'
import type { Row } from '../contracts/values.js'
import { checkFilter } from './check-filter.js'
import { comparator } from './compare.js'
import { isAnd, isNot, isOr } from './conjuncts.js'
import { isOneOf } from './is-one-of.js'
import { globPattern, likePattern, type TextTest } from './pattern.js'

/** A test of a value that is neither null nor missing. */
type ValueTest = (value: unknown) => boolean

/**
 * Makes a function of a filter. What can be found out about the operands is found out here, once.
 *
 * A field that is null or missing satisfies only `isNull: true`, so `ne`, `nin` and `isNull: false` leave it out too.
 * `not` keeps exactly the records that its filter leaves out, those with null among them: a filter and its `not`
 * together lose no record. Values that cannot be compared, such as a text with a number, are different: `ne` and `nin`
 * hold, everything else does not. A name of a field is taken as it is; a dot in it leads nowhere.
 *
 * @throws `NAME_UNKNOWN`, `OPTION_INVALID` as `checkFilter` does.
 */
export function compileFilter(filter: Filter): (record: Row) => boolean {
  checkFilter(filter)
  return compile(filter)
}

function compile(filter: Filter): (record: Row) => boolean {
  if (isAnd(filter)) return all(filter.and.map(compile))
  if (isOr(filter)) return any(filter.or.map(compile))
  if (isNot(filter)) {
    const inner = compile(filter.not)
    return (record) => !inner(record)
  }
  return all(Object.entries(filter).map(([field, condition]) => compileField(field, condition)))
}

function compileField(field: string, condition: FieldCondition): (record: Row) => boolean {
  const { isNull, ...compared } = condition
  const tests = Object.entries(compared).map(([name, operand]) => compileOperator(name, operand as never))
  const valueTest = all(tests)
  const get = reader(field)
  return (record) => {
    const value = get(record)
    if (value === null || value === undefined) return isNull === true && tests.length === 0
    return isNull !== true && valueTest(value)
  }
}

function compileOperator(name: string, operand: never): ValueTest {
  switch (name as Exclude<keyof FieldCondition, 'isNull'>) {
    case 'eq':
      return compared(operand, (order) => order === 0)
    case 'ne':
      return not(compared(operand, (order) => order === 0))
    case 'in':
      return isOneOf(operand)
    case 'nin':
      return not(isOneOf(operand))
    case 'gt':
      return compared(operand, (order) => order > 0)
    case 'gte':
      return compared(operand, (order) => order >= 0)
    case 'lt':
      return compared(operand, (order) => order < 0)
    case 'lte':
      return compared(operand, (order) => order <= 0)
    case 'like':
      return text(likePattern(operand, 'like'))
    case 'glob':
      return text(globPattern(operand, 'glob'))
  }
}

function compared(operand: FilterValue, holds: (order: number) => boolean): ValueTest {
  const compare = comparator(operand)
  return (value) => holds(compare(value))
}

function text(fits: TextTest): ValueTest {
  return (value) => typeof value === 'string' && fits(value)
}

function not(test: ValueTest): ValueTest {
  return (value) => !test(value)
}

function all<T>(tests: readonly ((value: T) => boolean)[]): (value: T) => boolean {
  const [first, second] = tests
  if (first === undefined) return () => true
  if (second === undefined) return first
  return (value) => tests.every((test) => test(value))
}

function any<T>(tests: readonly ((value: T) => boolean)[]): (value: T) => boolean {
  return (value) => tests.some((test) => test(value))
}

/** A missing field called `constructor` must not be found on the prototype; a lazy row's own getters may well stand there. */
function reader(field: string): (record: Row) => unknown {
  if (!(field in Object.prototype)) return (record) => record[field]
  return (record) => (Object.hasOwn(record, field) ? record[field] : undefined)
}
