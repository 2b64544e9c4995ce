/** How Hive, Spark, DuckDB and Arrow name the folder of records that have no value. */
export const nullFolder = '__HIVE_DEFAULT_PARTITION__'

/** Longest name of a file or folder that file systems take, in bytes. */
export const longestName = 255

/**
 * What no folder should have in its name: the sign that escapes, those that part names and values, patterns and quotes, what Windows
 * refuses, and what cannot be seen. Everything else stands there as it is.
 */
const unsafe = /[\p{C}\p{Zl}\p{Zp}"#%'*+/:<=>?[\\\]^`{|}]/u
/** Differ only in how they are written, where a file system takes that for no difference. */
const foldable = /[^\u0020-\u0040\u005b-\u007e]/u

/**
 * A value as it stands in the name of a folder, `%` and two digits for each byte that cannot: readers take it back by decoding that.
 *
 * @param folds The file system takes `A` for `a`, or `é` in one character for `é` in two: then nothing stands there that it could fold.
 */
export function escapeValue(value: string | null, folds = false): string {
  if (value === null) return nullFolder
  let escaped = ''
  for (const character of value) {
    escaped += unsafe.test(character) || (folds && foldable.test(character)) ? percent(character) : character
  }
  // DuckDB takes NULL in any case for no value, too.
  if (escaped === nullFolder || escaped.toLowerCase() === 'null') return percent(escaped.charAt(0)) + escaped.slice(1)
  // A blank or point at the end is dropped by Windows; a blank at the beginning gets lost elsewhere.
  return escaped.replace(/^ /, '%20').replace(/[ .]$/, percent)
}

/** The value behind such a name; null for no value. Signs that are not escaped well stand for themselves. */
export function unescapeValue(name: string): string | null {
  if (name === nullFolder) return null
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** `thread_id=a%2Fb/day=2024-02-29` as values by column. */
export function valuesOfFolder(folder: string): Record<string, string | null> {
  if (folder === '') return {}
  // An assignment would take `__proto__` for something else.
  return Object.fromEntries(
    folder.split('/').map((segment) => {
      const at = segment.indexOf('=')
      return [unescapeValue(segment.slice(0, at)) ?? '', unescapeValue(segment.slice(at + 1))]
    }),
  )
}

function percent(text: string): string {
  let escaped = ''
  for (const byte of Buffer.from(text, 'utf8')) escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return escaped
}
