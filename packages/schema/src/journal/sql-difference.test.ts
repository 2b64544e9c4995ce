import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sqlDifference } from './sql-difference.js'

const script = (...lines: readonly string[]): string => lines.join('\n')

it('shows what is edited, with what stands around it', () => {
  const long = Array.from({ length: 12 }, (_, i) => `-- ${i}`)
  expect(sqlDifference(script(...long, 'a', 'z'), script(...long, 'b', 'z', 'y'))).toBe(
    script('@@ -10,5 +10,6 @@', ' -- 9', ' -- 10', ' -- 11', '-a', '+b', ' z', '+y'),
  )
  expect(sqlDifference('same', 'same')).toBe('')
})

it('turns any script into any other one', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(lines, lines, (from, to) => {
      const difference = sqlDifference(script(...from), script(...to))
      expect(applied(from, difference)).toEqual(to)
    }),
  )
})

/** As `patch` does it. */
function applied(from: readonly string[], difference: string): readonly string[] {
  const result: string[] = []
  let read = 0
  for (const line of difference === '' ? [] : difference.split('\n')) {
    const [, start, count] = /^@@ -(\d+),(\d+) /.exec(line) ?? []
    if (start !== undefined) {
      const at = Number(start) - 1
      result.push(...from.slice(read, at))
      read = at
      expect(count).toMatch(/^\d+$/)
    } else if (line.startsWith('+')) result.push(line.slice(1))
    else {
      expect(from[read]).toBe(line.slice(1))
      if (line.startsWith(' ')) result.push(from[read] as string)
      read++
    }
  }
  return [...result, ...from.slice(read)]
}
