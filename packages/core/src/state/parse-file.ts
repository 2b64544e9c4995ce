import { DroverError } from '../errors/drover-error.js'

/** Reads a file of state. @throws `STATE_INVALID` with its path if it is no JSON, or not what `read` expects */
export function parseFile<T>(path: string, text: string, read: (value: unknown) => T | undefined): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw unreadable(path, 'it is no JSON', error)
  }
  const parsed = read(value)
  if (parsed === undefined) throw unreadable(path, 'it holds something else than this version of Drover puts there')
  return parsed
}

/** Whether it is an object; what its fields hold is still to be seen. */
export function isObject<T>(value: unknown): value is { readonly [Name in keyof T]?: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unreadable(path: string, why: string, cause?: unknown): DroverError {
  return new DroverError(
    'STATE_INVALID',
    `${path} cannot be read: ${why}. Put the file back as it was, or delete its folder to begin the run anew.`,
    { cause },
  )
}
