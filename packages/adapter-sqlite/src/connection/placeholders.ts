import { DroverError } from '@drover/core'
import type { SqliteValue } from './sqlite-connection.js'

/** A statement and its values in a form in which npm's sqlite3 binds them without changing one. */
export interface BoundStatement {
  readonly sql: string
  readonly values: readonly (null | number | string | Uint8Array)[]
}

/**
 * npm's sqlite3 binds a bigint as NULL and an integral number as INTEGER, and says nothing. So what it cannot bind as it is
 * travels as text and is cast. The unary plus takes the affinity away that a CAST has, or a comparison with a
 * column would convert the column: https://www.sqlite.org/datatype3.html#type_conversions_prior_to_comparison
 */
export function bindLosslessly(sql: string, values: readonly SqliteValue[]): BoundStatement {
  const casts: (Cast | undefined)[] = []
  const bound = values.map((value, index) => {
    const { cast, text } = encode(value)
    if (cast) casts[index] = cast
    return text
  })
  return { sql: casts.length === 0 ? sql : withCasts(sql, casts), values: bound }
}

/** Refuses an integer that SQLite has no room for. */
export function checkInteger(value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) {
    throw new DroverError('RECORD_REFUSED', `SQLite holds integers of 64 bits: ${value} has more.`)
  }
}

type Cast = 'INTEGER' | 'REAL'

function encode(value: SqliteValue): { readonly cast?: Cast; readonly text: null | number | string | Uint8Array } {
  if (typeof value === 'bigint') {
    if (value >= -0x80000000n && value <= 0x7fffffffn) return { text: Number(value) }
    checkInteger(value)
    return { cast: 'INTEGER', text: value.toString() }
  }
  if (typeof value === 'number' && (value | 0) === value) {
    return { cast: 'REAL', text: Object.is(value, -0) ? '-0.0' : value.toString() }
  }
  return { text: value }
}

const casted = new Map<string, string>()

function withCasts(sql: string, casts: readonly (Cast | undefined)[]): string {
  const id = `${Array.from(casts, (cast) => cast?.[0] ?? '-').join('')} ${sql}`
  const known = casted.get(id)
  if (known !== undefined) return known
  let place = 0
  const written = sql.replace(tokens, (token) => {
    if (token !== '?') return token
    const cast = casts[place++]
    return cast ? `+CAST(? AS ${cast})` : '?'
  })
  if (casted.size > 500) casted.clear()
  casted.set(id, written)
  return written
}

/** Whatever may hold a `?` that is no placeholder, and placeholders. */
const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\?/g
