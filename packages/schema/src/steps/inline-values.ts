import { DroverError } from '@drover/core'
import type { Dialect } from '../contracts/migration.js'
import { sqliteValue } from '../database/sqlite-values.js'
import { tokensOf } from '../sql/tokens.js'
import { ChangingValue } from './changing-value.js'

/** A statement with its values as literals. */
export function inlineValues(sql: string, values: readonly unknown[], dialect: Dialect): string {
  if (values.length === 0) return sql
  let inlined = ''
  let end = 0
  let place = 0
  for (const token of tokensOf(sql, dialect)) {
    if (token.kind !== 'parameter') continue
    const given = Number(token.value.slice(1))
    if (token.value !== '?' && !(given > 0)) continue
    const index = token.value === '?' ? place++ : given - 1
    inlined += sql.slice(end, token.start) + literal(values[index], dialect)
    end = token.end
  }
  return inlined + sql.slice(end)
}

/** A value as SQL writes it. */
export function literal(given: unknown, dialect: Dialect): string {
  const value = given instanceof ChangingValue ? given.value : given
  return dialect === 'postgres' ? postgresLiteral(value) : sqliteLiteral(value)
}

/**
 * In quotes, whatever it is: PostgreSQL finds out the type of such a literal from what stands around it, as it does with a parameter. A bare 5 would
 * be an integer, and not fit where a text is compared.
 */
function postgresLiteral(value: unknown): string {
  const text = postgresText(value)
  if (text === null) return 'NULL'
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** As pg sends it. */
function postgresText(value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (value instanceof Date) return localTime(value)
  if (Array.isArray(value)) return postgresArray(value)
  if (typeof value === 'object') return JSON.stringify(value)
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new DroverError('OPTION_INVALID', `PostgreSQL has no value for a ${typeof value}.`)
  }
  return String(value)
}

function postgresArray(values: readonly unknown[]): string {
  const items = values.map((value) => {
    if (Array.isArray(value)) return postgresArray(value)
    const text = postgresText(value)
    return text === null ? 'NULL' : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  })
  return `{${items.join(',')}}`
}

/** In the process's time zone and with its offset: a `timestamp` gets what the clock on the wall shows. */
function localTime(date: Date): string {
  const offset = -date.getTimezoneOffset()
  const shifted = new Date(date.valueOf() + offset * 60_000).toISOString().slice(0, -1)
  const minutes = Math.abs(offset)
  const two = (number: number): string => String(number).padStart(2, '0')
  return `${shifted}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

function sqliteLiteral(given: unknown): string {
  const value = sqliteValue(given)
  if (value === null) return 'NULL'
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return realLiteral(value)
  if (typeof value === 'string') {
    // A text of sqlite3's command line ends at U+0000.
    if (value.includes('\0')) return `CAST(X'${Buffer.from(value).toString('hex')}' AS TEXT)`
    return `'${value.replaceAll("'", "''")}'`
  }
  return `X'${Buffer.from(value).toString('hex')}'`
}

function realLiteral(value: number): string {
  if (Number.isNaN(value)) return 'NULL'
  if (!Number.isFinite(value)) return value > 0 ? '9e999' : '-9e999'
  const text = String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}
