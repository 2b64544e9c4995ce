import type { Reply } from '../../connection/raw-command.js'
import type { RedisType } from '../redis-record.js'

/** A key as it was read, nothing decoded. */
export interface StoredKey {
  readonly key: Buffer
  readonly type: RedisType
  readonly value: StoredValue
  /** Milliseconds since 1970-01-01; -1 if it never expires. */
  readonly expiresAt: number
  /** Bytes of key and value. */
  readonly size: number
  /** It changed each time that it was read in parts. */
  readonly isUnsteady?: boolean
}

/**
 * string and json: the bytes. hash: fields and values in turn. list and set: members. zset: members and scores in turn. stream: a
 * {@link StoredStream}.
 */
export type StoredValue = Buffer | readonly Buffer[] | StoredStream

/** A stream as the server tells it. */
export interface StoredStream {
  /** As XRANGE gives them. */
  readonly entries: readonly Reply[]
  /** As XINFO STREAM FULL gives them, names and values in turn. */
  readonly info: readonly Reply[]
}
