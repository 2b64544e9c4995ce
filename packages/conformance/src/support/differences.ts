import { canonical } from './canonical.js'

export interface CompareOptions {
  /** A record may be there more than once. @default false */
  readonly duplicates?: boolean
  /** Lines at the most, beside the last one that counts the others. @default 10 */
  readonly limit?: number
}

/**
 * How two sets of records differ, in words, one line each; the order does not count. An empty list if they are equal, by
 * value and by type.
 */
export function differences(
  expected: Iterable<unknown>,
  actual: Iterable<unknown>,
  { duplicates = false, limit = 10 }: CompareOptions = {},
): string[] {
  const open = new Map<string, number>()
  for (const record of expected) {
    const text = canonical(record)
    open.set(text, (open.get(text) ?? 0) + 1)
  }
  const found: string[] = []
  const seen = new Set<string>()
  for (const record of actual) {
    const text = canonical(record)
    const left = open.get(text)
    if (left === undefined) found.push(`not expected: ${short(text)}`)
    else if (left > 0) open.set(text, left - 1)
    else if (!duplicates) found.push(`more often than expected: ${short(text)}`)
    seen.add(text)
  }
  for (const [text, left] of open) {
    if (left > 0 && !(duplicates && seen.has(text))) found.push(`missing: ${short(text)}`)
  }
  return found.length <= limit ? found : [...found.slice(0, limit), `and ${found.length - limit} more`]
}

function short(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 197)}…`
}
