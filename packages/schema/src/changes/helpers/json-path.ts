import { DroverError } from '@drover/core'

/**
 * The keys of `$.a."b.c".d`. A key in quotes is written as JSON writes it.
 *
 * @throws `OPTION_INVALID`
 */
export function jsonPath(where: string, path: string): readonly string[] {
  const keys: string[] = []
  const piece = /\.(?:("(?:[^"\\]|\\.)*")|([^.[\]"\s]+))/y
  piece.lastIndex = 1
  while (path.startsWith('$') && piece.lastIndex < path.length) {
    const found = piece.exec(path)
    if (found === null) break
    keys.push(found[1] === undefined ? (found[2] ?? '') : keyOf(where, path, found[1]))
    if (piece.lastIndex === path.length) return keys
  }
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: ${path} is no path to an attribute. Write $.timeout_seconds, $.limits.timeout, or $."a key.with dots".b; elements of arrays have none.`,
  )
}

function keyOf(where: string, path: string, quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    throw new DroverError('OPTION_INVALID', `${where}: ${quoted} in the path ${path} is no text as JSON writes it.`)
  }
}
