import { DroverError } from '@drover/core'
import type { PendingWrite } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { jsonValue, type Members, textIn, valueIn } from './stored-document.js'

/** A write as its document has it. @throws `RECORD_UNREADABLE` */
export function writeOf(members: Members): PendingWrite {
  const idx = valueIn(members, 'idx')
  if (typeof idx !== 'number') throw new DroverError('RECORD_UNREADABLE', 'The "idx" of a write is no number.')
  const path = valueIn(members, 'task_path')
  return {
    task_id: textIn(members, 'task_id'),
    task_path: typeof path === 'string' ? path : '',
    idx,
    channel: textIn(members, 'channel'),
    value: members.has('blob') ? typedValue(members) : plainValue(members),
  }
}

/**
 * Python's values: a type, and bytes in base64. Versions before 0.2 kept texts of JSON as they are.
 *
 * @throws `RECORD_UNREADABLE`
 */
export function typedValue(members: Members): StoredValue {
  const type = textIn(members, 'type')
  const blob = valueIn(members, 'blob')
  if (type === 'null' || type === 'empty') return { type, bytes: null }
  if (typeof blob !== 'string')
    throw new DroverError('RECORD_UNREADABLE', `The blob of a value of the type "${type}" is no text.`)
  const bytes = fromBase64(blob)
  if (type === 'base64') return { type: 'bytes', bytes: bytes ?? broken(type) }
  if (type !== 'json') return { type, bytes: bytes ?? broken(type) }
  if (bytes !== null && isJson(bytes.toString())) return { type, bytes }
  return isJson(blob) ? jsonValue(blob) : broken(type)
}

/** JavaScript's: JSON as it stands there, or nothing at all for `undefined`. */
export function plainValue(members: Members): StoredValue {
  const value = members.get('value')
  return value === undefined ? { type: 'empty', bytes: null } : jsonValue(value)
}

function fromBase64(text: string): Buffer | null {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : null
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function broken(type: string): never {
  throw new DroverError('RECORD_UNREADABLE', `The blob of a value of the type "${type}" is neither base64 nor JSON.`)
}
