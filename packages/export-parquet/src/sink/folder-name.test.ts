import { expect, test } from 'vitest'
import { escapeValue, nullFolder, unescapeValue, valuesOfFolder } from './folder-name.js'

const awkward = [
  '',
  'a/b',
  '.',
  '..',
  '%',
  '%41',
  '=',
  '\u0000',
  'é',
  'e\u0301',
  'US',
  'us',
  ' x ',
  'x.',
  'NULL',
  'nUll',
  nullFolder,
  '日本',
  'ß',
  'ẞ',
]

test.each([false, true])('names are different for different values, and lead back to them: folding %s', (folds) => {
  const names = [...awkward, null].map((value) => escapeValue(value, folds))
  const asTheFileSystemSees = folds ? names.map((name) => name.normalize('NFC').toLowerCase()) : names
  expect(new Set(asTheFileSystemSees).size).toBe(names.length)
  expect(names.map(unescapeValue)).toEqual([...awkward, null])
  for (const name of names) expect(name).not.toMatch(/[/\\:\p{Cc}]|^\.+$|[ .]$/u)
})

test('a name stays as a person would write it where every system takes it', () => {
  expect(['US', 'Grüße 1', '2024-02-29', 'a+b'].map((value) => escapeValue(value))).toEqual([
    'US',
    'Grüße 1',
    '2024-02-29',
    'a%2Bb',
  ])
  expect(escapeValue('US', true)).toBe('%55%53')
})

test('folders say the values of their columns', () => {
  expect(valuesOfFolder(`day=2024-02-29/who=a%2Fb/k=${nullFolder}`)).toEqual({ day: '2024-02-29', who: 'a/b', k: null })
  expect(valuesOfFolder('')).toEqual({})
  expect(JSON.stringify(valuesOfFolder('__proto__=x'))).toBe('{"__proto__":"x"}')
})
