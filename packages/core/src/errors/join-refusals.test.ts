import { expect, test } from 'vitest'
import { DroverError } from './drover-error.js'
import { behindRows, joinRefusals } from './join-refusals.js'

const refused = (row: number) => new DroverError('RECORD_REFUSED', `number ${row}`, { row, cause: new Error('why') })

test('the first row names the others, in their order', () => {
  const error = joinRefusals([refused(7), refused(2), refused(5)])
  expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 2, message: 'number 2', cause: { message: 'why' } })
  expect(error?.alsoRefused?.map(({ row }) => row)).toEqual([5, 7])
})

test('one alone is itself, and none is none', () => {
  const one = refused(3)
  expect(joinRefusals([one])).toBe(one)
  expect(joinRefusals([])).toBeUndefined()
})

test('rows of a page are counted from the first of the batch', () => {
  const error = behindRows(joinRefusals([refused(1), refused(4)]), 10) as DroverError
  expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 11, cause: { message: 'why' } })
  expect(error.alsoRefused?.map(({ row }) => row)).toEqual([14])
})

test('an error that names no row stays what it is', () => {
  const busy = new DroverError('STORE_BUSY', 'Busy.', { isRetryable: true, retryAfterMs: 5 })
  expect(behindRows(busy, 10)).toBe(busy)
  expect(behindRows('text', 10)).toBe('text')
})
