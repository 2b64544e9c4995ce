import { expect, it } from 'vitest'
import { counted, duration, grouped, oneLine, rate } from './text.js'

it('groups digits by three', () => {
  expect([0, 999, 1000, 1234567, 12345678].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567', '12,345,678'])
})

it('counts one without an s', () => {
  expect([counted(1, 'record'), counted(0, 'record'), counted(2000, 'record')]).toEqual([
    '1 record',
    '0 records',
    '2,000 records',
  ])
})

it('shows a slow rate with a digit more', () => {
  expect([0, 0.25, 9.5, 10, 12345.6].map(rate)).toEqual(['0/s', '0.3/s', '9.5/s', '10/s', '12,346/s'])
})

it('shows a duration in its two largest units, and never sixty of one', () => {
  const shown = [0, 998, 999.6, 4100, 59_940, 59_951, 61_000, 3_599_600, 5_400_000, 360_000_000].map(duration)
  expect(shown).toEqual([
    '0 ms',
    '998 ms',
    '1.0 s',
    '4.1 s',
    '59.9 s',
    '1 min 00 s',
    '1 min 01 s',
    '1 h 00 min',
    '1 h 30 min',
    '100 h 00 min',
  ])
})

it('cuts a line by columns, in which some characters take two', () => {
  expect(oneLine('abcdef', 6)).toBe('abcdef')
  expect(oneLine('abcdefg', 6)).toBe('abcde…')
  expect(oneLine('漢字漢字', 6)).toBe('漢字…')
  expect(oneLine('\u{1F600}\u{1F600}', 3)).toBe('\u{1F600}…')
  expect(oneLine('abc', 0)).toBe('')
})

it('lets nothing through that moves a cursor or turns the line around', () => {
  expect(oneLine('a\r\nb\u001b[2Jc\u2028d\u202Ee', 80)).toBe('a b [2Jc d e')
})
