import { DroverError, type SourceReject } from '@drover/core'
import type { RedisType } from '../redis-record.js'
import { rejectedKey, shownKey } from './key-json.js'

/** Who refuses, for messages, and in which form keys are named. */
export interface Refusing {
  /** `cache.example.org:6379/0` */
  readonly where: string
  /** As text. */
  readonly decode: boolean
}

/** What is wrong with a key, as the end of a sentence that begins with it. */
export function refuse({ where, decode }: Refusing, key: Buffer, what: string, raw?: Uint8Array): SourceReject {
  const error = new DroverError('RECORD_UNREADABLE', `${where}: key ${shownKey(key)} ${what}`)
  return { key: rejectedKey(key, decode), error, ...(raw === undefined ? {} : { raw: new Uint8Array(raw) }) }
}

/** @param size Null if it is only known that it is more. */
export function tooLarge(type: RedisType, size: number | null, largest: number): string {
  const has = size === null ? 'holds more' : `holds ${size} bytes, more`
  return `(${type}) ${has} than maxValueBytes (${largest}): raise maxValueBytes if there is memory for it, or leave the key out by match or types.`
}

export function unknownType(name: string): string {
  return `is of the type ${name}, of a module that Drover does not read: leave it out by match, or by types if keys of one type are wanted.`
}

export function noUtf8(type: RedisType, what: string): string {
  return `(${type}): ${what} is not valid UTF-8: read bytes with decodeResponses: false, or leave the key out by match.`
}

export function expiresTooLate(type: RedisType, expiresAt: number): string {
  return `(${type}) expires at ${expiresAt} ms, which is no date: it ends with the year 275760. Give it another expiry, or none with PERSIST.`
}

export function tooLong(type: RedisType, what: string, size: number): string {
  return `(${type}): ${what} has ${size} bytes, more than a text may have in JavaScript: read bytes with decodeResponses: false, or leave the key out by match.`
}
