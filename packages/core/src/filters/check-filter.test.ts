import { describe, expect, it } from 'vitest'
import { DroverError } from '../errors/drover-error.js'
import { checkFilter } from './check-filter.js'

function refusal(filter: unknown): DroverError {
  try {
    checkFilter(filter)
  } catch (error) {
    if (DroverError.isInstance(error)) return error
    throw error
  }
  throw new Error('It was not refused.')
}

it('refuses an operator that does not exist, with its place, the nearest names and the list', () => {
  const error = refusal({ and: [{}, { role: { gtee: 1 } }] })
  expect(error.code).toBe('NAME_UNKNOWN')
  expect(error.message).toContain('filter.and[1].role: there is no operator "gtee"; did you mean "gte"')
  expect(error.message).toContain('eq, ne, in, nin, gt, gte, lt, lte, like, glob, isNull')
})

it('does not find operators on the prototype of objects', () => {
  expect(refusal({ role: { toString: 1 } }).code).toBe('NAME_UNKNOWN')
})

describe('an operand of a wrong type is refused:', () => {
  it.each<[string, unknown]>([
    ['null', { a: { eq: null } }],
    ['undefined', { a: { eq: undefined } }],
    ['NaN', { a: { gt: Number.NaN } }],
    ['no date', { a: { lt: new Date('x') } }],
    ['an object', { a: { eq: {} } }],
    ['one value where several are taken', { a: { in: 'x' } }],
    ['several where one is taken', { a: { eq: ['x'] } }],
    ['a number in a list that is null', { a: { nin: [1, null] } }],
    ['a pattern that is no text', { a: { like: 1 } }],
    ['a pattern that ends with its escape', { a: { like: 'a\\' } }],
    ['a set that is not closed', { a: { glob: 'a[b' } }],
    ['a range that runs backwards', { a: { glob: '[z-a]' } }],
    ['isNull of a word', { a: { isNull: 'true' } }],
    ['a value instead of a condition', { a: 'user' }],
    ['a condition without an operator', { a: {} }],
    ['and of an object', { and: { a: { eq: 1 } } }],
    ['not of an array', { not: [{ a: { eq: 1 } }] }],
    ['and beside a field', { and: [], a: { eq: 1 } }],
    ['a Map', new Map()],
    ['an array', []],
    ['null as a filter', null],
  ])('%s', (_, filter) => {
    expect(refusal(filter).code).toBe('OPTION_INVALID')
  })
})

it('says what to do about null', () => {
  expect(refusal({ role: { eq: null } }).message).toMatch(/^filter\.role\.eq: .*isNull/)
})

it('takes every operator', () => {
  checkFilter({
    a: {
      eq: 'x',
      ne: 1,
      in: [1n],
      nin: [true],
      gt: new Date(),
      gte: 0,
      lt: 1,
      lte: 2,
      like: 'a%',
      glob: '[a]*',
      isNull: false,
    },
    b: { isNull: true },
  })
})
