import type { ColumnWriter, Pouring } from '@drover/core'
import type { RedisType } from '../redis-record.js'
import { type Decoding, decodeValue } from './decode-value.js'
import type { StoredKey } from './stored-key.js'

/** How values go to a writer of columns. */
export interface PouringKeys {
  readonly decoding: Decoding
  /** All are strings, and described as text or bytes: their bytes go as they are. */
  readonly isOnlyStrings: boolean
}

/** Gives fields of keys to writers of columns, key after key. */
export function pourKeys(stored: readonly StoredKey[], { fields, into, records }: Pouring, how: PouringKeys): void {
  const pourers = fields.map((field) => pourerOf(field, how))
  const count = records?.length ?? stored.length
  for (let n = 0; n < count; n++) {
    const one = stored[records === undefined ? n : (records[n] as number)] as StoredKey
    for (let i = 0; i < pourers.length; i++) (pourers[i] as PourField)(one, into[i] as ColumnWriter)
  }
}

type PourField = (stored: StoredKey, into: ColumnWriter) => void

function pourerOf(field: string, { decoding, isOnlyStrings }: PouringKeys): PourField {
  switch (field) {
    case 'key':
      return ({ key }, into) => into.bytes(key, 0, key.length)
    case 'type':
      return ({ type }, into) => into.bytes(typeBytes[type], 0, typeBytes[type].length)
    case 'value':
      return isOnlyStrings ? pourString : (stored, into) => pourValue(decodeValue(stored, decoding), into)
    case 'expires_at':
      return pourExpiry
    default:
      return (_, into) => into.null()
  }
}

const typeBytes = Object.fromEntries(
  ['string', 'hash', 'list', 'set', 'zset', 'stream', 'json'].map((type) => [type, Buffer.from(type)]),
) as Record<RedisType, Buffer>

const pourString: PourField = ({ value }, into) => into.bytes(value as Buffer, 0, (value as Buffer).length)

function pourValue(value: unknown, into: ColumnWriter): void {
  if (value === null) into.null()
  else into.value(value)
}

/** Beyond that, microseconds are no whole numbers any more. */
const lastMicros = Number.MAX_SAFE_INTEGER

const pourExpiry: PourField = ({ expiresAt }, into) => {
  if (expiresAt < 0) into.null()
  else if (expiresAt * 1000 <= lastMicros) into.micros(expiresAt * 1000)
  else into.value(expiryText(expiresAt))
}

/** As records have it. */
export function expiryText(expiresAt: number): string | null {
  return expiresAt < 0 ? null : new Date(expiresAt).toISOString()
}
