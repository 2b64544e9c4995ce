const [quote, comma, colon, openList, closeList, openObject, closeObject, backslash] = [
  34, 44, 58, 91, 93, 123, 125, 92,
] as const

/**
 * Spreads JSON of one line over several, as `JSON.stringify` indents. It works on the text, because numbers of more digits
 * than JavaScript's would not survive being parsed.
 */
export function indentJson(text: string, indent: number, depth: number): string {
  const margins: string[] = []
  const margin = (level: number): string => (margins[level] ??= `\n${' '.repeat(level * indent)}`)
  let spread = ''
  let level = depth
  // What stands before `at` and behind `copied` is taken over as it is.
  let copied = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = stringEnd(text, at)
        break
      case openList:
      case openObject: {
        const next = text.charCodeAt(at + 1)
        if (next === closeList || next === closeObject) at++
        else {
          spread += text.slice(copied, at + 1) + margin(++level)
          copied = at + 1
        }
        break
      }
      case closeList:
      case closeObject:
        spread += text.slice(copied, at) + margin(--level)
        copied = at
        break
      case comma:
        spread += text.slice(copied, at + 1) + margin(level)
        copied = at + 1
        break
      case colon:
        spread += `${text.slice(copied, at + 1)} `
        copied = at + 1
    }
  }
  return spread + text.slice(copied)
}

/** The quote that ends the string: the next one with an even number of backslashes before it. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1
    while (text.charCodeAt(before) === backslash) before--
    if ((end - before) % 2 === 1) return end
  }
}
