import type { RedisType } from '../redis-record.js'

/** What TYPE says of a key, and what Drover calls it. */
export const typeByName: ReadonlyMap<string, RedisType> = new Map([
  ['string', 'string'],
  ['hash', 'hash'],
  ['list', 'list'],
  ['set', 'set'],
  ['zset', 'zset'],
  ['stream', 'stream'],
  ['ReJSON-RL', 'json'],
])

/** The name that TYPE has for it. */
export function nameOfType(type: RedisType): string {
  return type === 'json' ? 'ReJSON-RL' : type
}
