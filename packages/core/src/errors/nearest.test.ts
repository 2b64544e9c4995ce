import { expect, test } from 'vitest'
import { nearestNames, suggestNames } from './nearest.js'

test('names are suggested that are a slip away, the nearest first', () => {
  expect(nearestNames('message', ['calls', 'massages', 'messages'])).toEqual(['messages', 'massages'])
  expect(nearestNames('idd', ['id', 'name'])).toEqual(['id'])
  expect(suggestNames('Role', ['role'])).toBe('; did you mean "role"? There is: role.')
})

test('a short name is like no other one that shares nothing with it', () => {
  expect(nearestNames('v', ['id', 'at'])).toEqual([])
  expect(nearestNames('ab', ['id', 'a'])).toEqual(['a'])
})
