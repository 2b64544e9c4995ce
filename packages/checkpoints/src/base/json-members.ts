import { DroverError } from '@drover/core'

/**
 * The members of a JSON object, each with its value as it is written there: 1 and 1.0 are different values to Python.
 *
 * @throws `RECORD_UNREADABLE`
 */
export function jsonMembers(text: string): readonly (readonly [name: string, value: string])[] {
  const members: [string, string][] = []
  let at = skipSpace(text, 0)
  if (text[at] !== '{') throw broken(at)
  at = skipSpace(text, at + 1)
  if (text[at] === '}') return members
  for (;;) {
    const nameEnd = endOfString(text, at)
    const name = JSON.parse(text.slice(at, nameEnd)) as string
    at = skipSpace(text, nameEnd)
    if (text[at] !== ':') throw broken(at)
    const start = skipSpace(text, at + 1)
    const end = endOfValue(text, start)
    members.push([name, text.slice(start, end)])
    at = skipSpace(text, end)
    if (text[at] === '}') return members
    if (text[at] !== ',') throw broken(at)
    at = skipSpace(text, at + 1)
  }
}

function endOfValue(text: string, start: number): number {
  const first = text[start]
  if (first === '"') return endOfString(text, start)
  if (first !== '{' && first !== '[') {
    const end = /[,}\]\s]|$/.exec(text.slice(start))?.index ?? 0
    if (end === 0) throw broken(start)
    return start + end
  }
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '"') at = endOfString(text, at) - 1
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1
  }
  throw broken(text.length)
}

function endOfString(text: string, start: number): number {
  if (text[start] !== '"') throw broken(start)
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === 0x5c) at++
    else if (char === 0x22) return at + 1
  }
  throw broken(text.length)
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++
  return at
}

function broken(at: number): DroverError {
  return new DroverError('RECORD_UNREADABLE', `A JSON object is broken at its character ${at}.`)
}
