import type { Row } from '@drover/core'

/** A record without a field of that name has a value there all the same: `constructor`. */
export function isInherited(name: string): boolean {
  return name in Object.prototype
}

export function ownField(row: Row, name: string): unknown {
  return Object.hasOwn(row, name) ? row[name] : undefined
}
