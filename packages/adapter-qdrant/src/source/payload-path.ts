import { conjunctsOf, DroverError, type Filter, type Row } from '@drover/core'

/** Where a value stands in a payload: names of objects within objects. */
export type PayloadPath = readonly string[]

const prefix = 'payload.'
/** What Qdrant takes as a name without quotes. */
const plain = /^[\p{L}\p{N}_-]+$/u

/** Whether a field of a filter is one of the payload. */
export function isPayloadField(field: string): boolean {
  return field.startsWith(prefix)
}

/**
 * The path that `payload.metadata.source` names; names with other signs than letters, digits, `_` and `-` stand in quotes:
 * `payload."first.name"`.
 *
 * @throws `OPTION_INVALID`
 */
export function payloadPath(field: string): PayloadPath {
  const path: string[] = []
  const text = field.slice(prefix.length)
  let at = 0
  do {
    const isQuoted = text[at] === '"'
    const end = isQuoted ? text.indexOf('"', at + 1) : nextDot(text, at)
    const name = text.slice(isQuoted ? at + 1 : at, end === -1 ? at : end)
    at = isQuoted ? end + 1 : end
    if (end === -1 || name === '' || (at < text.length && text[at] !== '.')) throw invalid(field)
    path.push(name)
  } while (at++ < text.length)
  return path
}

/** The path as Qdrant takes it; null for a name that it has no form for. */
export function nativePath(path: PayloadPath): string | null {
  if (path.some((name) => name.includes('"'))) return null
  return path.map((name) => (plain.test(name) ? name : `"${name}"`)).join('.')
}

/** What stands there; undefined if nothing does. Lists lead nowhere. */
export function valueAt(payload: Row | null, path: PayloadPath): unknown {
  let value: unknown = payload
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    value = Object.hasOwn(value, name) ? (value as Row)[name] : undefined
  }
  return value
}

function nextDot(text: string, at: number): number {
  const dot = text.indexOf('.', at)
  return dot === -1 ? text.length : dot
}

function invalid(field: string): DroverError {
  return new DroverError(
    'OPTION_INVALID',
    `A filter names "${field}", which is no field of a payload: write payload.name, and names with dots in quotes, as in payload."first.name".`,
  )
}

/** Names of all fields that a filter looks at. */
export function filterFields(filter: Filter): string[] {
  const fields = conjunctsOf(filter).flatMap((part): string[] => {
    if ('or' in part && Array.isArray(part.or)) return part.or.flatMap(filterFields)
    if ('not' in part) return filterFields(part.not as Filter)
    return Object.keys(part)
  })
  return [...new Set(fields)]
}
