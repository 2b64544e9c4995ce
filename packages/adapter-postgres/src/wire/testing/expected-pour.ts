import { dayOf } from '../codecs/calendar.js'
import { elementOf, oids, type WireType } from '../wire-type.js'
import type { Poured } from './poured.js'

/** What a writer is to be given for a value as records hold it; JSON as the value that its text stands for. */
export function expectedPour(type: WireType, value: unknown): Poured {
  if (value === null) return ['null']
  switch (type.base) {
    case oids.bool:
      return ['boolean', value]
    case oids.int2:
    case oids.int4:
      return ['int32', value]
    case oids.int8:
    case oids.oid:
      return ['int64', BigInt(value as number | bigint)]
    case oids.float4:
    case oids.float8:
      return ['float64', value]
    case oids.date:
      return isInfinite(value) ? ['value', value] : ['int32', daysOf(String(value))]
    case oids.time:
      return ['micros', Number(microsOfDay(String(value)))]
    case oids.timestamp:
    case oids.timestamptz: {
      if (isInfinite(value)) return ['value', value]
      const [date, time = ''] = String(value).replace('Z', '').split('T')
      const all = BigInt(daysOf(`${date}${time.endsWith(' BC') ? ' BC' : ''}`)) * 86_400_000_000n + microsOfDay(time)
      return all <= 2n ** 53n - 1n && all >= -(2n ** 53n - 1n) ? ['micros', Number(all)] : ['value', value]
    }
    case oids.text:
    case oids.varchar:
    case oids.bpchar:
    case oids.name:
    case 'enum':
      return ['bytes', Buffer.from(value as string)]
    case oids.uuid:
      return ['bytes', Buffer.from(String(value).replaceAll('-', ''), 'hex')]
    case oids.bytea:
      return ['bytes', Buffer.from(value as Uint8Array)]
    default:
      return ['value', value]
  }
}

export function isJson(type: WireType): boolean {
  return elementOf(type) === undefined && (type.base === oids.json || type.base === oids.jsonb)
}

function isInfinite(value: unknown): boolean {
  return value === 'infinity' || value === '-infinity'
}

function daysOf(date: string): number {
  const [year = 0, month = 0, day = 0] = date.replace(' BC', '').split('-').map(Number)
  return dayOf(date.endsWith(' BC') ? 1 - year : year, month, day) + Date.UTC(2000, 0, 1) / 86_400_000
}

function microsOfDay(time: string): bigint {
  const [, hours, minutes, seconds, fraction = ''] = /^(\d\d):(\d\d):(\d\d)(?:\.(\d+))?/.exec(time) ?? []
  return (
    (BigInt(hours ?? 0) * 3600n + BigInt(minutes ?? 0) * 60n + BigInt(seconds ?? 0)) * 1_000_000n +
    BigInt(fraction.padEnd(6, '0'))
  )
}
