import type { LogicalType } from '@drover/core'
import type { Affinity } from './affinity.js'

/**
 * What a column is meant to hold. SQLite lets every value into every column that is not of a STRICT table, so this says what
 * the declaration says; values keep their own types all the same.
 *
 * A column without affinity is `any`: there 1 and 1.0 are two values, and both survive. Types that SQLite does not know
 * are NUMERIC to it, though people store texts in some of them.
 */
export function logicalType(declared: string, affinity: Affinity, isStrict: boolean): LogicalType {
  switch (affinity) {
    case 'INTEGER':
      return { kind: 'int', bits: 64 }
    case 'TEXT':
      return { kind: 'text' }
    case 'REAL':
      return { kind: 'float', bits: 64 }
    case 'BLOB':
      return isStrict && declared.toUpperCase() === 'BLOB' ? { kind: 'bytes' } : { kind: 'any' }
    case 'NUMERIC':
      if (/BOOL/i.test(declared)) return { kind: 'int', bits: 64 }
      return /DATE|TIME|JSON|UUID|GUID|STRING|XML/i.test(declared) ? { kind: 'text' } : { kind: 'float', bits: 64 }
  }
}
