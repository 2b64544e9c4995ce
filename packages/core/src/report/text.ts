/** A whole number with a comma between each three digits. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** A number with its noun: `1 record`, `2 records`. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** What a run says that had completed before. */
export function nothingToDo(completedAt: Date | undefined): string {
  return `nothing to do, completed ${completedAt === undefined ? 'before' : `since ${completedAt.toISOString()}`}`
}

/** Records per second; a slow run shows one more digit. */
export function rate(perSecond: number): string {
  return `${perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : grouped(perSecond)}/s`
}

/** A duration in its two largest units. */
export function duration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  const minutes = Math.round(seconds / 60)
  return `${grouped(Math.floor(minutes / 60))} h ${two(minutes % 60)} min`
}

/** A text on one line and no wider than that many columns; control characters, which could move a cursor, become blanks. */
export function oneLine(text: string, columns: number): string {
  const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ')
  if (width(plain) <= columns) return plain
  let used = 1
  let cut = ''
  for (const character of plain) {
    used += width(character)
    if (used > columns) break
    cut += character
  }
  return columns > 0 ? `${cut}…` : ''
}

/** The same on as many lines as it needs, and `most` of them: broken between words, those behind the first indented. */
export function wrapped(text: string, columns: number, indent: string, most: number): string[] {
  const words = oneLine(text, Number.POSITIVE_INFINITY).split(/(?<=\S) /)
  const lines: string[] = []
  let line = words[0] ?? ''
  for (const [i, word] of words.entries()) {
    if (i === 0) continue
    if (width(line) + 1 + width(word) <= columns) {
      line += ` ${word}`
    } else if (lines.length === most - 1) {
      // What is left has no line of its own: the last one is cut.
      return [...lines, oneLine([line, ...words.slice(i)].join(' '), columns)]
    } else {
      lines.push(oneLine(line, columns))
      line = `${indent}${word}`
    }
  }
  return [...lines, oneLine(line, columns)]
}

/** Columns that a text takes at the most: from U+1100 on a character may be two wide. */
function width(text: string): number {
  let columns = 0
  for (const character of text) columns += (character.codePointAt(0) as number) < 0x1100 ? 1 : 2
  return columns
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
