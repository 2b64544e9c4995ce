import type { Warning } from '@drover/core'
import type { RedisConnection } from '../connection/redis-connection.js'
import type { FoundKeys } from './index/index-building.js'
import { keyspaces } from './keyspace.js'
import { type RedisType, redisTypes } from './redis-record.js'
import type { Changes, Tally } from './values/changes.js'
import { shownKey } from './values/key-json.js'

/** What there is to say of keys once they are found. @param sought Of a key: `begins with "checkpoint:"` */
export async function foundWarnings(
  connection: RedisConnection,
  sought: string | null,
  { index, ownKeys }: FoundKeys,
  types: readonly RedisType[],
): Promise<Warning[]> {
  const warnings: Warning[] = []
  if (ownKeys.example !== undefined) {
    const count = `${ownKeys.isMore ? 'more than ' : ''}${keys(ownKeys.count)}`
    warnings.push({
      code: 'KEYS_LEFT_OUT',
      message: `${connection.name}: ${count} of Drover's own ${are(ownKeys.count)} left out, such as ${shownKey(ownKeys.example)}: the state of runs is no data.`,
    })
  }
  if (index.came === 0) {
    const others = connection.isCluster ? '' : await otherDatabases(connection)
    const what = sought === null ? 'there is no key' : `no key ${sought}`
    warnings.push({ code: 'SOURCE_EMPTY', message: `${connection.name}: ${what}${others}.` })
  } else if (types.includes('hash') && knowsFieldExpiry(connection.server.version)) {
    const hashes = await expiringFields(connection)
    if (hashes > 0) {
      warnings.push({
        code: 'EXPIRY_LEFT_OUT',
        message: `${connection.name}: ${keys(hashes)} of the server ${hashes === 1 ? 'is a hash' : 'are hashes'} with fields that expire by themselves (HEXPIRE). When they do is not read: such fields arrive as ones that stay.`,
      })
    }
  }
  return warnings
}

/** What there is to say of keys once they were read. */
export function changesWarnings(
  name: string,
  { gone, retyped, unsteady, otherType }: Changes,
  types: readonly RedisType[],
): Warning[] {
  const changed = [
    said(gone, (are) => `${are} gone when they were to be read`),
    said(retyped, (are) => `${are} of another type by then, which is not read`),
    said(unsteady, (are) => `${are} changed again and again while they were read, and are as they were read last`),
  ].filter((part) => part !== null)
  const warnings: Warning[] = []
  if (changed.length > 0) {
    warnings.push({
      code: 'KEYS_CHANGED',
      message: `${name}: not all keys stayed as they were while they were read (they expire, or somebody writes to them): ${changed.join('; ')}.`,
    })
  }
  if (otherType.example !== null) {
    const others = redisTypes.filter((type) => !types.includes(type))
    warnings.push({
      code: 'KEYS_LEFT_OUT',
      message: `${name}: ${keys(otherType.count)} ${are(otherType.count)} left out, such as ${shownKey(otherType.example)}: of the types that were not asked for (${others.join(', ')}).`,
    })
  }
  return warnings
}

function said({ count, example }: Tally, what: (are: string) => string): string | null {
  return example === null ? null : `${keys(count)} ${what(are(count))}, such as ${shownKey(example)}`
}

function keys(count: number): string {
  return count === 1 ? '1 key' : `${count} keys`
}

function are(count: number): string {
  return count === 1 ? 'was' : 'were'
}

/** `; database 1 has 5 keys`, so that whoever named the wrong one sees it. */
async function otherDatabases(connection: RedisConnection): Promise<string> {
  const { nodes } = await connection.topology('looking for keys')
  const [info] = (await nodes[0]?.node.pipeline('looking for keys', [['INFO', 'keyspace']])) ?? []
  if (!(info instanceof Buffer)) return ''
  const found = keyspaces(info).slice(0, 5)
  return found.map(({ database, keys: count }) => `; database ${database} has ${keys(count)}`).join('')
}

function knowsFieldExpiry([major = 0, minor = 0]: readonly number[]): boolean {
  return major > 7 || (major === 7 && minor >= 4)
}

/** In all databases of the servers, for which one it is that is read makes little difference. */
async function expiringFields(connection: RedisConnection): Promise<number> {
  const doing = 'looking for fields that expire'
  const { nodes } = await connection.topology(doing)
  const infos = await Promise.all(nodes.map(({ node }) => node.pipeline(doing, [['INFO', 'keyspace']])))
  return infos
    .flatMap(([info]) => (info instanceof Buffer ? keyspaces(info) : []))
    .reduce((sum, { subexpiry }) => sum + subexpiry, 0)
}
