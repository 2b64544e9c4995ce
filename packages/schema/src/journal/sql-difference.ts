const context = 3

interface Line {
  readonly mark: ' ' | '-' | '+'
  readonly text: string
}

/** What has changed from one script to another, as a unified difference without file names; empty if nothing has. */
export function sqlDifference(from: string, to: string): string {
  const lines = compare(from.split('\n'), to.split('\n'))
  const shown = lines.map((_, i) =>
    lines.slice(Math.max(0, i - context), i + context + 1).some(({ mark }) => mark !== ' '),
  )
  const text: string[] = []
  let [left, right] = [1, 1]
  for (const [i, { mark, text: line }] of lines.entries()) {
    if (shown[i]) {
      if (!shown[i - 1]) text.push(heading(lines, shown, i, left, right))
      text.push(`${mark}${line}`)
    }
    if (mark !== '+') left++
    if (mark !== '-') right++
  }
  return text.join('\n')
}

function heading(lines: readonly Line[], shown: readonly boolean[], at: number, left: number, right: number): string {
  const end = shown.indexOf(false, at)
  const hunk = lines.slice(at, end === -1 ? lines.length : end)
  const count = (other: '-' | '+'): number => hunk.filter(({ mark }) => mark !== other).length
  return `@@ -${left},${count('+')} +${right},${count('-')} @@`
}

/** By a longest common subsequence of what lies between equal beginnings and ends. */
function compare(from: readonly string[], to: readonly string[]): readonly Line[] {
  let start = 0
  while (start < from.length && start < to.length && from[start] === to[start]) start++
  let end = 0
  const most = Math.min(from.length, to.length) - start
  while (end < most && from[from.length - 1 - end] === to[to.length - 1 - end]) end++
  const same = (text: string): Line => ({ mark: ' ', text })
  return [
    ...from.slice(0, start).map(same),
    ...compareMiddle(from.slice(start, from.length - end), to.slice(start, to.length - end)),
    ...from.slice(from.length - end).map(same),
  ]
}

/** A table of more cells than this is not worth its memory: all goes, and all comes. */
const mostCells = 4_000_000

function compareMiddle(from: readonly string[], to: readonly string[]): readonly Line[] {
  const width = to.length + 1
  const gone = from.map((text): Line => ({ mark: '-', text }))
  const come = to.map((text): Line => ({ mark: '+', text }))
  if ((from.length + 1) * width > mostCells) return [...gone, ...come]
  // Length of the longest common subsequence of what is behind both places.
  const common = new Uint32Array((from.length + 1) * width)
  const at = (i: number, j: number): number => common[i * width + j] ?? 0
  for (let i = from.length - 1; i >= 0; i--)
    for (let j = to.length - 1; j >= 0; j--)
      common[i * width + j] = from[i] === to[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < from.length && j < to.length) {
    if (from[i] === to[j]) {
      lines.push({ mark: ' ', text: from[i] as string })
      i++
      j++
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push(gone[i++] as Line)
    else lines.push(come[j++] as Line)
  }
  return [...lines, ...gone.slice(i), ...come.slice(j)]
}
