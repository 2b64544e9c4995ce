import type { Reply } from '../../connection/raw-command.js'
import type { RedisNode } from '../../connection/redis-node.js'
import type { RedisType } from '../redis-record.js'
import { bytesOfReply } from './sighting.js'

/** What is aimed at for one answer. */
const partBytes = 256 * 1024
const firstCount = 256
const mostCount = 20_000

/** A part of a collection. */
export interface Part {
  readonly items: readonly Reply[]
  readonly bytes: number
}

/** How many members to ask for at once, learned from those that came. */
class PartSize {
  count = firstCount

  learn(members: number, bytes: number): void {
    if (members === 0) return
    const fitting = Math.ceil(partBytes / Math.max(1, bytes / members))
    this.count = Math.max(1, Math.min(fitting, this.count * 4, mostCount))
  }
}

/** Asks for one part. @throws the server's error, such as WRONGTYPE */
type Ask = (name: string, ...args: readonly (string | number | Buffer)[]) => Promise<Reply>

/** The members of a collection in parts. What changes meanwhile may come twice, or not at all: whoever reads has to see that nothing did. */
export function collectionParts(node: RedisNode, key: Buffer, type: RedisType): AsyncGenerator<Part, void, void> {
  const ask: Ask = async (name, ...args) => {
    const [reply] = (await node.pipeline('reading a part of a key', [[name, ...args]])) as [Reply]
    if (reply instanceof Error) throw reply
    return reply
  }
  switch (type) {
    case 'hash':
      return byCursor(ask, 'HSCAN', key, 2)
    case 'set':
      return byCursor(ask, 'SSCAN', key, 1)
    case 'list':
      return byPlace(ask, 'LRANGE', key, [])
    case 'zset':
      return byPlace(ask, 'ZRANGE', key, ['WITHSCORES'])
    default:
      return byId(ask, key)
  }
}

async function* byCursor(ask: Ask, name: string, key: Buffer, width: number): AsyncGenerator<Part, void, void> {
  const size = new PartSize()
  const seen = new Set<string>()
  let cursor = '0'
  do {
    const [next, found] = (await ask(name, key, cursor, 'COUNT', size.count)) as [Buffer, Buffer[]]
    cursor = next.toString('latin1')
    const bytes = bytesOfReply(found)
    size.learn(found.length / width, bytes)
    yield { items: unseen(found, width, seen), bytes }
  } while (cursor !== '0')
}

/** A table that is made larger while it is scanned gives members twice. */
function unseen(found: readonly Buffer[], width: number, seen: Set<string>): readonly Buffer[] {
  const fresh: Buffer[] = []
  for (let i = 0; i < found.length; i += width) {
    const name = (found[i] as Buffer).toString('latin1')
    if (seen.has(name)) continue
    seen.add(name)
    for (let j = 0; j < width; j++) fresh.push(found[i + j] as Buffer)
  }
  return fresh
}

async function* byPlace(
  ask: Ask,
  name: string,
  key: Buffer,
  rest: readonly string[],
): AsyncGenerator<Part, void, void> {
  const size = new PartSize()
  const width = 1 + rest.length
  for (let place = 0; ; ) {
    const wanted = size.count
    const found = (await ask(name, key, place, place + wanted - 1, ...rest)) as Buffer[]
    const bytes = bytesOfReply(found)
    yield { items: found, bytes }
    const members = found.length / width
    if (members < wanted) return
    size.learn(members, bytes)
    place += members
  }
}

async function* byId(ask: Ask, key: Buffer): AsyncGenerator<Part, void, void> {
  const size = new PartSize()
  let from = '-'
  for (;;) {
    const wanted = size.count
    const found = (await ask('XRANGE', key, from, '+', 'COUNT', wanted)) as [Buffer, Reply][]
    const bytes = bytesOfReply(found)
    yield { items: found, bytes }
    const last = found.at(-1)
    if (last === undefined || found.length < wanted) return
    size.learn(found.length, bytes)
    from = `(${last[0].toString('latin1')}`
  }
}
