import { createHash } from 'node:crypto'

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

function plain(value: unknown): unknown {
  if (value instanceof Date) return { date: true }
  if (typeof value === 'bigint') return { integer: String(value) }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') }
  return Array.isArray(value) ? value.map(plain) : value
}
