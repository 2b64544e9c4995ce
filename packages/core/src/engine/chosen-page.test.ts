import { describe, expect, it } from 'vitest'
import { ChosenPage } from './chosen-page.js'
import { ColumnPage } from './testing/column-page.js'

function page(decoded = new Set<string>()) {
  const ids = [0, 1, 2, 3, 4]
  const values = new Map<string, readonly unknown[]>([
    ['id', ids],
    ['text', ids.map((id) => `text ${id}`)],
  ])
  return new ColumnPage(
    values,
    ids.map((id) => ({ source: [id], child: 0 })),
    4,
    decoded,
  )
}

describe('some records of a page', () => {
  it('are its rows and keys, and a slice has some of these', () => {
    const chosen = new ChosenPage(page(), [0, 2, 4])
    expect(chosen.rows().map(({ id }) => id)).toEqual([0, 2, 4])
    expect(chosen.rows()).toBe(chosen.rows())
    expect(chosen.keys().map(({ source }) => source[0])).toEqual([0, 2, 4])
    expect([chosen.count, chosen.bytes, chosen.cursor]).toEqual([3, 60, 4])
    const part = chosen.slice(1, 9)
    expect([part.count, part.rows()[0]?.id, part.keys()[1]?.source]).toEqual([2, 2, [4]])
  })

  it('are had by column, and one is set without the records beside', () => {
    const chosen = new ChosenPage(page(), [1, 3])
    expect(chosen.columns?.get('text')).toEqual(['text 1', 'text 3'])
    const set = chosen.columns?.with('text', ['a', 'b'])
    expect(set?.rows()).toEqual([
      { id: 1, text: 'a' },
      { id: 3, text: 'b' },
    ])
  })

  it('are poured without being decoded, some of them if these are asked for', () => {
    const decoded = new Set<string>()
    const chosen = new ChosenPage(page(decoded), [0, 2, 4])
    const ids = (records?: readonly number[]): unknown[] => {
      const taken: unknown[] = []
      const into = [{ value: (value: unknown) => taken.push(value) }] as never
      chosen.pour?.({ fields: ['id'], into, ...(records === undefined ? {} : { records }) })
      return taken
    }
    expect(ids()).toEqual([0, 2, 4])
    expect(ids([0, 2])).toEqual([0, 4])
    expect(ids([])).toEqual([])
    expect(decoded.size).toBe(0)
  })
})
