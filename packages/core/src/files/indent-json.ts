/**
 * Spreads JSON of one line over several, as `JSON.stringify` indents. It works on the text, because numbers of more digits
 * than JavaScript's would not survive being parsed.
 */
export function indentJson(text: string, indent: number, depth: number): string {
  let spread = ''
  let level = depth
  for (let at = 0; at < text.length; ) {
    const character = text[at] as string
    const next = text[at + 1]
    if (character === '"') {
      const end = stringEnd(text, at)
      spread += text.slice(at, end)
      at = end
      continue
    }
    if ((character === '{' && next === '}') || (character === '[' && next === ']')) {
      spread += character + next
      at += 2
      continue
    }
    if (character === '{' || character === '[') spread += character + margin(++level * indent)
    else if (character === '}' || character === ']') spread += margin(--level * indent) + character
    else if (character === ',') spread += character + margin(level * indent)
    else spread += character === ':' ? ': ' : character
    at++
  }
  return spread
}

function margin(width: number): string {
  return `\n${' '.repeat(width)}`
}

/** Behind the quote that ends the string: the next one with an even number of backslashes before it. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1
    while (text[before] === '\\') before--
    if ((end - before) % 2 === 1) return end + 1
  }
}
