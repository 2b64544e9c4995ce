import type { Field, LogicalType, RecordSchema } from '@drover/core'
import type { RedisType } from './redis-record.js'

const text: LogicalType = { kind: 'text' }
const json: LogicalType = { kind: 'json' }
const bytes: LogicalType = { kind: 'bytes' }

/** What records of keys of these types look like, as text or as bytes. */
export function recordSchema(types: readonly RedisType[], decode: boolean): RecordSchema {
  const field = (name: string, type: LogicalType, nullable = false): Field => ({ name, type, nullable })
  return {
    fields: [
      field('key', decode ? text : bytes),
      field('type', text),
      // A document of RedisJSON may be `null` itself: that is a value, and no absence of one.
      field('value', decode ? textValue(types) : bytesValue(types), types.includes('json')),
      field('expires_at', { kind: 'timestamp', zone: true, digits: 3 }, true),
    ],
    key: ['key'],
  }
}

function textValue([type, ...others]: readonly RedisType[]): LogicalType {
  if (others.length > 0) return json
  if (type === 'string') return text
  return type === 'list' || type === 'set' ? { kind: 'list', of: text } : json
}

function bytesValue([type, ...others]: readonly RedisType[]): LogicalType {
  return type === 'string' && others.length === 0 ? bytes : { kind: 'any' }
}
