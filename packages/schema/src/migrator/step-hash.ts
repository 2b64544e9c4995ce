import { createHash } from 'node:crypto'
import type { RecordedStep } from '../contracts/steps.js'
import { ChangingValue } from '../steps/changing-value.js'

/**
 * Knows a step again that was done before an interruption. A step that a helper asks for only if it finds something (a leftover, say) begins
 * with `~`: it may be absent, or new, the next time. What a Date is does not count: `new Date()` is another one each time.
 */
export function stepHash(sql: string, values: readonly unknown[], isRepeatable: boolean): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([sql, values.map(plain)]))
    .digest('hex')
    .slice(0, 20)
  return isRepeatable ? `~${hash}` : hash
}

/**
 * Values that are others each time, as two recordings have shown: a random id, `Date.now()`. A step is known again without them.
 *
 * @param steps As they were recorded.
 * @returns Takes them out of the values of a statement.
 */
export function steadyValues(
  steps: readonly RecordedStep[],
): (sql: string, values: readonly unknown[]) => readonly unknown[] {
  const places = new Map<string, Set<number>>()
  for (const step of steps) {
    if (step.kind !== 'sql') continue
    for (const [place, value] of (step.values ?? []).entries()) {
      if (!(value instanceof ChangingValue)) continue
      const known = places.get(step.sql) ?? new Set()
      places.set(step.sql, known.add(place))
    }
  }
  return (sql, values) => {
    const changing = places.get(bareSql(sql))
    return changing === undefined
      ? values
      : values.map((value, place) => (changing.has(place) ? { changing: true } : value))
  }
}

/** As a recording keeps it. */
export function bareSql(sql: string): string {
  return sql.trim().replace(/;$/, '')
}

function plain(value: unknown): unknown {
  if (value instanceof Date) return { date: true }
  if (typeof value === 'bigint') return { integer: String(value) }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') }
  return Array.isArray(value) ? value.map(plain) : value
}
