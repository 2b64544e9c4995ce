import { DroverError } from '@drover/core'
import type { RedisConnection } from '../connection/redis-connection.js'
import type { FoundKeys } from './index/index-building.js'
import { processIn } from './index/server-process.js'

/** So many keys one after the other, of an order that is by chance, are not gone without nearly all of them being gone. */
const suspicious = 100

/**
 * Keys that were found are gone, one after the other. That is normal where keys expire or are used up; it is not if the server was emptied, or came
 * back without its data: a run that went on would seem to have read everything.
 *
 * @throws `SOURCE_INVALID`
 */
export async function requireData(connection: RedisConnection, found: FoundKeys, inARow: number): Promise<void> {
  const doing = 'looking for what became of its keys'
  const { nodes } = await connection.topology(doing)
  const servers = await Promise.all(nodes.map(({ node }) => node.pipeline(doing, [['INFO', 'server'], ['DBSIZE']])))
  // Not everybody may ask.
  const isOther = servers.some(([info]) => {
    const process = processIn(info)
    return process !== null && found.processes?.has(process) === false
  })
  const sizes = servers.map(([, size]) => (typeof size === 'number' ? size : Number.NaN))
  const left = sizes.reduce((sum, size) => sum + size, 0)
  const isEmpty = left === 0
  if (!(isOther && isEmpty) && !((isOther || isEmpty) && inARow >= suspicious)) return
  const what = isOther
    ? `it was started anew, or another server took its place, since its keys were looked for${Number.isNaN(left) ? '' : `, and it has ${left === 1 ? '1 key' : `${left} keys`} now`}`
    : 'it was emptied since its keys were looked for, and has 0 keys now'
  throw new DroverError(
    'SOURCE_INVALID',
    `${connection.name}: ${what}; of the keys that it had, ${inARow === 1 ? '1 was' : `${inARow} one after the other were`} gone when they were to be read. What was read is not all there was: put the data back and begin a new run.`,
  )
}
