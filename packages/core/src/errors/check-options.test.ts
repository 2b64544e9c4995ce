import { expect, test } from 'vitest'
import { checkChoice, checkFlag, checkNames, checkOptionNames } from './check-options.js'
import { checkOnConflict } from './on-conflict.js'

const where = 'mySink'

test('what was not given is not checked', () => {
  expect(() => {
    checkFlag(where, 'gzip', undefined)
    checkChoice(where, 'values', undefined, ['plain'])
    checkNames(where, 'key', undefined, 1)
    checkOnConflict(where, undefined)
  }).not.toThrow()
})

test.each<[what: string, check: () => void]>([
  ['its options are an object, not null', () => checkOptionNames(where, null as unknown as object, ['gzip'])],
  ['gzip is true or false, not "yes"', () => checkFlag(where, 'gzip', 'yes')],
  [`values is 'plain' or 'extended', not "other"`, () => checkChoice(where, 'values', 'other', ['plain', 'extended'])],
  [`values is 'plain', not an array of 1`, () => checkChoice(where, 'values', ['plain'], ['plain'])],
  ['coerce is a list of names, not "a"', () => checkNames(where, 'coerce', 'a')],
  ['key is a list of names, not an array of 0', () => checkNames(where, 'key', [], 1)],
  ['key is a text that is not empty, not 1', () => checkNames(where, 'key', ['a', 1])],
  ["onConflict is 'error', 'skip', 'update' or { merge: ['column', …] }", () => checkOnConflict(where, 'replace')],
  ['onConflict is', () => checkOnConflict(where, { merge: [] })],
  ['onConflict is', () => checkOnConflict(where, { merge: ['a'], skip: true })],
])('refused: %s', (what, check) => {
  expect(check).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining(what) }))
})

test('what is right is taken', () => {
  expect(() => {
    checkFlag(where, 'gzip', false)
    checkChoice(where, 'values', 'plain', ['plain'])
    checkNames(where, 'coerce', [])
    checkNames(where, 'key', ['a', 'b'], 1)
    for (const one of ['error', 'skip', 'update', { merge: ['a'] }]) checkOnConflict(where, one)
  }).not.toThrow()
})
