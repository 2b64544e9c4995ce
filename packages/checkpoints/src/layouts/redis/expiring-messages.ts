import type { LogicalType, RecordSchema } from '@drover/core'
import { messageSchema } from '../../records/schemas.js'

/** Messages of a store that may forget them. */
export function expiringMessageSchema(order: LogicalType): RecordSchema {
  const { fields, key } = messageSchema(order, true)
  const expiry: LogicalType = { kind: 'timestamp', zone: true, digits: 3 }
  return { fields: [...fields, { name: 'expires_at', type: expiry, nullable: true }], key }
}

/** When a key expires of which a server says how many milliseconds are left; null if it never does. */
export function expiryOf(leftMs: number): string | null {
  return leftMs < 0 ? null : new Date(Date.now() + leftMs).toISOString()
}
