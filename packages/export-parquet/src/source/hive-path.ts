import { DroverError, formatInstant, type LogicalType, parseInstant } from '@drover/core'

/** What stands for null in the name of a folder. */
export const nullFolder = '__HIVE_DEFAULT_PARTITION__'

/** The columns that the folders of a path name, in its order: `a=1/b=x/file.parquet`. Values unescaped, null where the name says so. */
export function hiveColumns(path: string): ReadonlyMap<string, string | null> {
  const columns = new Map<string, string | null>()
  for (const folder of path.split('/').slice(0, -1)) {
    const at = folder.indexOf('=')
    if (at <= 0) continue
    const value = folder.slice(at + 1)
    columns.set(unescaped(folder.slice(0, at)), value === nullFolder ? null : unescaped(value))
  }
  return columns
}

/** A `%` that escapes nothing stands for itself. */
function unescaped(text: string): string {
  if (!text.includes('%')) return text
  const bytes: Buffer[] = []
  let from = 0
  for (const match of text.matchAll(/%([0-9a-fA-F]{2})/g)) {
    bytes.push(Buffer.from(text.slice(from, match.index)), Buffer.from(match[1] as string, 'hex'))
    from = match.index + match[0].length
  }
  return Buffer.concat([...bytes, Buffer.from(text.slice(from))]).toString('utf8')
}

/** A value of a folder's name as records hold one of that type. @throws `SOURCE_INVALID` if it is none */
export function hiveValue(text: string | null, type: LogicalType, where: string): unknown {
  if (text === null) return null
  switch (type.kind) {
    case 'int': {
      if (!/^[+-]?\d+$/.test(text)) break
      const value = BigInt(text.replace(/^\+/, ''))
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    }
    case 'float': {
      const value = floats[text.toLowerCase()] ?? (text.trim() === '' ? Number.NaN : Number(text))
      if (Number.isNaN(value) && text.toLowerCase() !== 'nan') break
      return value
    }
    case 'boolean':
      if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
      break
    case 'decimal':
      if (/^[+-]?\d+(\.\d+)?$/.test(text)) return text
      break
    case 'date':
      if (/^([+-]\d{6}|\d{4})-\d\d-\d\d$/.test(text)) return text
      break
    case 'timestamp': {
      const instant = parseInstant(text)
      if (instant === null) break
      const shown = formatInstant(instant, type.digits <= 3 ? 3 : type.digits <= 6 ? 6 : 9)
      return type.zone ? shown : shown.slice(0, -1)
    }
    default:
      return text
  }
  throw new DroverError(
    'SOURCE_INVALID',
    `${where}: the folder says "${text}", which is no ${type.kind}. Name another type with types.`,
  )
}

const floats: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
}
