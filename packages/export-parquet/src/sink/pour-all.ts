import { DroverError, type Page } from '@drover/core'
import type { RowGroupBuilder } from '../columns/row-group-builder.js'

/** How many rows a page has, without making them where it can do without. */
export function rowsOf(page: Page): number {
  return page.pour === undefined ? page.rows().length : page.count - (page.rejected?.length ?? 0)
}

/** The places `[from, end)` of a page, or of those of its places that are meant. */
export function placesOf(which: readonly number[] | undefined, from: number, end: number): readonly number[] {
  return which?.slice(from, end) ?? Array.from({ length: end - from }, (_, i) => from + i)
}

/** Goes on behind each record that is refused. */
export function pourAll(
  builder: RowGroupBuilder,
  page: Page,
  which: readonly number[] | undefined,
  refused: (row: number, error: DroverError) => void,
): void {
  for (let left = which; ; ) {
    try {
      builder.pour(page, left)
      return
    } catch (error) {
      if (!DroverError.isInstance(error, 'RECORD_REFUSED') || error.row === undefined) throw error
      const { row } = error
      refused(row, error)
      left = (left ?? Array.from({ length: rowsOf(page) }, (_, i) => i)).filter((place) => place > row)
      if (left.length === 0) return
    }
  }
}
