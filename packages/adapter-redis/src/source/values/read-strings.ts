import type { RawCommand, Reply } from '../../connection/raw-command.js'
import type { RedisNode } from '../../connection/redis-node.js'
import { EncodedCommand } from './encoded-command.js'
import { expiryFunction } from './expiry.js'

/** What keys that are expected to be strings hold, parallel to them. */
export interface Strings {
  /** Null where there is no such key, or it is no string. */
  readonly values: readonly (Buffer | null)[]
  /** Milliseconds since 1970-01-01, -1 without an expiry, -2 without a key; null if no key of the database expires. */
  readonly expiries: readonly number[] | null
}

/** Reads strings by MGET, which costs a server and a client least. Whether it has to ask when keys expire it learns from the server. */
export class StringReading {
  #asks = true

  constructor(
    private readonly version: readonly number[],
    private readonly database: number,
  ) {}

  /**
   * Values and expiries are of the same moment, for nobody comes between the commands of a transaction.
   *
   * @returns the server's error if it refuses this way of reading
   */
  async read(node: RedisNode, keys: readonly Buffer[]): Promise<Strings | Error> {
    for (;;) {
      const asks = this.#asks
      const commands: RawCommand[] = [new EncodedCommand(['MULTI'], []), new EncodedCommand(['INFO', 'keyspace'], [])]
      commands.push(new EncodedCommand(['MGET'], keys))
      if (asks) commands.push(new EncodedCommand(['EVAL', expiries(this.version), String(keys.length)], keys))
      commands.push(new EncodedCommand(['EXEC'], []))
      const replies = await node.sendAll('reading strings', commands)
      // What was refused while it was queued says more than the end of the transaction.
      const refused = replies.find((reply) => reply instanceof Error)
      if (refused instanceof Error) return refused
      const [info, values, found] = replies.at(-1) as [Reply, (Buffer | null)[], number[] | undefined | Error]
      if (info instanceof Error) return info
      if (found instanceof Error) return found
      this.#asks = hasExpiries(info as Buffer, this.database)
      if (!this.#asks) return { values, expiries: null }
      if (found !== undefined) return { values, expiries: found }
    }
  }
}

/** `db0:keys=12,expires=3,avg_ttl=0`; a database without keys is not named. */
function hasExpiries(info: Buffer, database: number): boolean {
  const [, expires = '0'] = new RegExp(`^db${database}:.*?expires=(\\d+)`, 'm').exec(info.toString('latin1')) ?? []
  return expires !== '0'
}

function expiries(version: readonly number[]): string {
  return `${expiryFunction(version)}
local out = {}
for i = 1, #KEYS do out[i] = expiry(KEYS[i]) end
return out`
}
