/** Where a member of an object stands in its text, in bytes. */
export interface MemberRange {
  readonly name: string
  readonly start: number
  readonly end: number
}

const quote = 0x22
const backslash = 0x5c

/** The members of an object, in their order. The bytes must have passed a parser: only what is not yet known is looked for. */
export function membersOf(bytes: Buffer, start = 0): MemberRange[] {
  const members: MemberRange[] = []
  let at = blanksEnd(bytes, start) + 1
  for (;;) {
    at = blanksEnd(bytes, at)
    if (bytes[at] !== quote) return members
    const nameEnd = textEnd(bytes, at)
    const name: string = JSON.parse(bytes.toString('utf8', at, nameEnd))
    // Behind the colon, and the comma behind the value.
    const valueStart = blanksEnd(bytes, blanksEnd(bytes, nameEnd) + 1)
    const end = valueEnd(bytes, valueStart)
    members.push({ name, start: valueStart, end })
    at = blanksEnd(bytes, end) + 1
  }
}

function valueEnd(bytes: Buffer, start: number): number {
  const first = bytes[start]
  if (first === quote) return textEnd(bytes, start)
  if (first !== 0x7b && first !== 0x5b) return literalEnd(bytes, start)
  let depth = 0
  for (let at = start; ; ) {
    const byte = bytes[at]
    if (byte === quote) {
      at = textEnd(bytes, at)
      continue
    }
    if (byte === 0x7b || byte === 0x5b) depth++
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return at + 1
    at++
  }
}

function textEnd(bytes: Buffer, start: number): number {
  for (let at = start + 1; ; at++) {
    if (bytes[at] === backslash) at++
    else if (bytes[at] === quote) return at + 1
  }
}

function literalEnd(bytes: Buffer, start: number): number {
  let at = start
  while (!endsLiteral(bytes[at])) at++
  return at
}

function endsLiteral(byte: number | undefined): boolean {
  return byte === undefined || byte === 0x2c || byte === 0x7d || byte === 0x5d || isBlank(byte)
}

function blanksEnd(bytes: Buffer, start: number): number {
  let at = start
  while (isBlank(bytes[at])) at++
  return at
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
