import type { JsonValue, Partition } from '@drover/core'
import type { FileSet } from './file-set.js'
import type { Border } from './place.js'

/** About `count` parts of much the same size, cut between row groups. Files that come later belong where their names are. */
export function cutSet({ files }: FileSet, count: number): Partition[] {
  const total = files.reduce((sum, { groups }) => groups.reduce((bytes, group) => bytes + weightOf(group), sum), 0)
  const borders: Border[] = []
  let before = 0
  for (const { name, print, groups } of files) {
    for (const [group, size] of groups.entries()) {
      const isDue = before > 0 && before >= (total * (borders.length + 1)) / count - weightOf(size) / 2
      if (isDue && borders.length < count - 1) borders.push({ file: name, group, print: group === 0 ? null : print })
      before += weightOf(size)
    }
  }
  return [null, ...borders].map((from, i) => {
    const to = borders[i] ?? null
    const id = from === null ? 'first' : from.group === 0 ? from.file : `${from.file}#${from.group}`
    return { id: `${i}-${id}`, bounds: { from, to } as unknown as JsonValue }
  })
}

function weightOf({ rows, bytes }: { readonly rows: number; readonly bytes: number }): number {
  return Math.max(rows, bytes, 1)
}
