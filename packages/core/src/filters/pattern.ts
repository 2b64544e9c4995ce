import { DroverError } from '../errors/drover-error.js'

/** Whether a text fits a pattern. */
export type TextTest = (text: string) => boolean

/** What one place of a pattern takes: a run of any characters, or one character by code point. */
type Place = typeof anyRun | ((codePoint: number) => boolean)

const anyRun = 'any run'
const anyOne = (): boolean => true

/** `%` any run of characters, `_` one, `\` takes the next character as it is. */
export function likePattern(pattern: string, at: string): TextTest {
  if (isPlain(pattern, ['_', '\\'])) return segments(pattern.split('%'))
  const characters = [...pattern]
  const places: Place[] = []
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] as string
    if (character === '%') places.push(anyRun)
    else if (character === '_') places.push(anyOne)
    else if (character !== '\\') places.push(exactly(character))
    else
      places.push(
        exactly(
          required(
            characters[++i],
            `${at}: the pattern ends with the escape character \\; write \\\\ for a backslash.`,
          ),
        ),
      )
  }
  return wildcard(places)
}

/** `*` any run of characters, `?` one, `[abc]`, `[a-z]` one of them, `[^abc]` or `[!abc]` one that is none of them. */
export function globPattern(pattern: string, at: string): TextTest {
  if (isPlain(pattern, ['?', '['])) return segments(pattern.split('*'))
  const characters = [...pattern]
  const places: Place[] = []
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] as string
    if (character === '*') places.push(anyRun)
    else if (character === '?') places.push(anyOne)
    else if (character !== '[') places.push(exactly(character))
    else {
      const set = characterSet(characters, i, at)
      places.push(set.takes)
      i = set.end
    }
  }
  return wildcard(places)
}

/** Reads `[…]` from `start`; a `]` that comes first in it is one of its characters. */
function characterSet(
  characters: readonly string[],
  start: number,
  at: string,
): { takes: (codePoint: number) => boolean; end: number } {
  const negated = characters[start + 1] === '^' || characters[start + 1] === '!'
  const first = negated ? start + 2 : start + 1
  const end = characters.indexOf(']', first + 1)
  if (end === -1)
    throw new DroverError(
      'OPTION_INVALID',
      `${at}: the pattern has a [ that no ] closes; write [[] for the character itself.`,
    )
  const ranges: [number, number][] = []
  for (let i = first; i < end; i++) {
    const from = codePoint(characters[i] as string)
    const isRange = characters[i + 1] === '-' && i + 2 < end
    const to = isRange ? codePoint(characters[i + 2] as string) : from
    if (to < from)
      throw new DroverError('OPTION_INVALID', `${at}: the range ${characters.slice(i, i + 3).join('')} runs backwards.`)
    ranges.push([from, to])
    if (isRange) i += 2
  }
  return { takes: (point) => ranges.some(([from, to]) => point >= from && point <= to) !== negated, end }
}

/** Neither a sign that stands for one character, nor half a surrogate pair, which would be found in the midst of a whole one. */
function isPlain(pattern: string, signs: readonly string[]): boolean {
  return !signs.some((sign) => pattern.includes(sign)) && !/\p{Surrogate}/u.test(pattern)
}

/** Texts with runs of anything between them: found from left to right, the last at the end, so nothing is tried twice. */
function segments(parts: readonly string[]): TextTest {
  const first = parts[0] as string
  if (parts.length === 1) return (text) => text === first
  const last = parts.at(-1) as string
  const inner = parts.slice(1, -1).filter((part) => part !== '')
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    let from = first.length
    for (const part of inner) {
      const found = text.indexOf(part, from)
      if (found === -1) return false
      from = found + part.length
    }
    return from + last.length <= text.length
  }
}

/**
 * Only the newest run of anything is ever lengthened: what an older one took is the least it can take, so trying more
 * of it could not help. The work is bounded by text times pattern.
 */
function wildcard(places: readonly Place[]): TextTest {
  return (text) => {
    let at = 0
    let place = 0
    let afterRun = -1
    let runEnd = 0
    while (at < text.length) {
      const point = text.codePointAt(at) as number
      const wanted = places[place]
      if (wanted === anyRun) {
        afterRun = ++place
        runEnd = at
      } else if (wanted?.(point)) {
        place++
        at += width(point)
      } else if (afterRun >= 0) {
        runEnd += width(text.codePointAt(runEnd) as number)
        at = runEnd
        place = afterRun
      } else return false
    }
    while (places[place] === anyRun) place++
    return place === places.length
  }
}

function exactly(character: string): (point: number) => boolean {
  const wanted = codePoint(character)
  return (point) => point === wanted
}

function codePoint(character: string): number {
  return character.codePointAt(0) as number
}

/** UTF-16 units of a code point. */
function width(point: number): 1 | 2 {
  return point > 0xffff ? 2 : 1
}

function required(character: string | undefined, otherwise: string): string {
  if (character === undefined) throw new DroverError('OPTION_INVALID', otherwise)
  return character
}
