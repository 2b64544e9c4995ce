/** What comes over the wire is not the JSON that it should be. */
export class NoJson extends Error {
  override readonly name = 'NoJson'

  constructor(expected: string, at: number) {
    super(`no ${expected} at byte ${at}`)
  }
}

export const quote = 0x22
export const comma = 0x2c
export const openList = 0x5b
export const closeList = 0x5d
export const openObject = 0x7b
export const closeObject = 0x7d
const backslash = 0x5c

/** Where the next byte that is no white space stands. */
export function skipSpace(bytes: Buffer, start: number): number {
  let at = start
  while (isSpace(bytes[at])) at++
  return at
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** Behind the byte that has to stand there. */
export function pass(bytes: Buffer, at: number, byte: number): number {
  if (bytes[at] !== byte) throw new NoJson(`"${String.fromCharCode(byte)}"`, at)
  return at + 1
}

/** Behind a value. What is within objects and lists is only looked at as far as that needs. */
export function skipValue(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case quote:
      return skipText(bytes, at)
    case openList:
    case openObject:
      return skipNested(bytes, at)
    default:
      return skipLiteral(bytes, at)
  }
}

/** Up to here a loop is quicker than the way into native code. */
const short = 32

/** Behind a text. */
export function skipText(bytes: Buffer, start: number): number {
  let at = start + 1
  const near = Math.min(at + short, bytes.length)
  while (at < near) {
    const byte = bytes[at] as number
    if (byte === quote) return at + 1
    at += byte === backslash ? 2 : 1
  }
  for (;;) {
    const end = bytes.indexOf(quote, at)
    if (end === -1) throw new NoJson('end of a text', start)
    let before = end - 1
    while (before >= at && bytes[before] === backslash) before--
    if ((end - before) % 2 === 1) return end + 1
    at = end + 1
  }
}

function skipNested(bytes: Buffer, start: number): number {
  let depth = 0
  let at = start
  const { length } = bytes
  while (at < length) {
    const byte = bytes[at] as number
    if (byte === quote) {
      at = skipText(bytes, at)
      continue
    }
    at++
    // 0x5b and 0x7b open, 0x5d and 0x7d close.
    const bracket = byte | 0x20
    if (bracket === openObject) depth++
    else if (bracket === closeObject && --depth === 0) return at
  }
  throw new NoJson('end of a list or object', start)
}

function skipLiteral(bytes: Buffer, start: number): number {
  let at = start
  const { length } = bytes
  while (at < length) {
    const byte = bytes[at] as number
    if (byte === comma || byte === closeList || byte === closeObject || isSpace(byte)) break
    at++
  }
  if (at === start) throw new NoJson('value', start)
  return at
}

/** Behind a list of numbers, or of such lists: there are no texts within, so the brackets are all there is to find. */
export function skipNumbers(bytes: Buffer, start: number): number {
  const within = skipSpace(bytes, start + 1)
  if (bytes[within] !== openList) return endOfList(bytes, within)
  let at = within
  for (;;) {
    at = skipSpace(bytes, endOfList(bytes, at))
    if (bytes[at] === closeList) return at + 1
    at = pass(bytes, at, comma)
  }
}

function endOfList(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(closeList, start)
  if (end === -1) throw new NoJson('end of a list', start)
  return end + 1
}

/**
 * The fields of an object, each with its name and where its value begins.
 *
 * @param field Answers where the value ends.
 * @returns behind the object
 */
export function readFields(bytes: Buffer, start: number, field: (name: string, at: number) => number): number {
  let at = skipSpace(bytes, pass(bytes, start, openObject))
  if (bytes[at] === closeObject) return at + 1
  for (;;) {
    const end = skipText(bytes, at)
    const name = textAt(bytes, at, end)
    at = skipSpace(bytes, pass(bytes, skipSpace(bytes, end), 0x3a))
    at = skipSpace(bytes, field(name, at))
    if (bytes[at] === closeObject) return at + 1
    at = skipSpace(bytes, pass(bytes, at, comma))
    if (bytes[at] !== quote) throw new NoJson('name', at)
  }
}

/**
 * The values of a list.
 *
 * @param element Answers where the value ends that begins there.
 * @returns behind the list
 */
export function readElements(bytes: Buffer, start: number, element: (at: number) => number): number {
  let at = skipSpace(bytes, pass(bytes, start, openList))
  if (bytes[at] === closeList) return at + 1
  for (;;) {
    at = skipSpace(bytes, element(at))
    if (bytes[at] === closeList) return at + 1
    at = skipSpace(bytes, pass(bytes, at, comma))
  }
}

/** The text between the quotes at `start` and before `end`. */
export function textAt(bytes: Buffer, start: number, end: number): string {
  const inner = bytes.toString('utf8', start + 1, end - 1)
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner
}
