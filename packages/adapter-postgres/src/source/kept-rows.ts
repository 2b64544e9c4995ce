import type { Row } from '@drover/core'
import type { CopyRows } from '../wire/copy-format.js'
import { type CopyLayout, fieldAt } from '../wire/copy-layout.js'
import type { Relation } from './relation.js'

/** The rows that fulfil what PostgreSQL could not be asked; of each only the fields in question are decoded. */
export function chosenRows(rows: CopyRows, layout: CopyLayout, keep: NonNullable<Relation['keep']>): CopyRows {
  const { bytes, starts, end } = rows
  const places = keep.fields.map((field) => layout.columns.findIndex(({ name }) => name === field))
  // What cannot be decoded cannot be tested either: it stays, to be rejected with its page.
  const mayFail = places.some((place) => layout.doubtful.includes(place))
  const chosen: { readonly from: number; readonly to: number }[] = []
  let size = 0
  for (let i = 0; i < starts.length; i++) {
    const from = starts[i] as number
    const isTestable = !mayFail || layout.problemAt(bytes, from) === undefined
    if (isTestable && !keep.test(recordAt(bytes, from))) continue
    const to = starts[i + 1] ?? end
    chosen.push({ from, to })
    size += to - from
  }
  if (chosen.length === starts.length) return rows
  const kept = Buffer.allocUnsafeSlow(size)
  const keptStarts = new Uint32Array(chosen.length)
  let at = 0
  for (const [i, { from, to }] of chosen.entries()) {
    keptStarts[i] = at
    at += bytes.copy(kept, at, from, to)
  }
  return { bytes: kept, starts: keptStarts, end: size }

  function recordAt(source: Buffer, row: number): Row {
    return Object.fromEntries(
      keep.fields.map((field, i) => {
        const place = places[i] as number
        return [field, layout.valueAt(source, fieldAt(source, row, place), place)]
      }),
    )
  }
}
