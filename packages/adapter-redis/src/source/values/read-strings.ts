import { RawCommand, type Reply } from '../../connection/raw-command.js'
import type { RedisNode } from '../../connection/redis-node.js'
import { answerCode } from '../../errors/redis-error.js'
import { keyspaces } from '../keyspace.js'
import { EncodedCommand } from './encoded-command.js'
import { expiryCommands, expiryCount, expiryFunction, expiryOf } from './expiry.js'

/** What keys that are expected to be strings hold, parallel to them. */
export interface Strings {
  /** Null where there is no such key, or it is no string. */
  readonly values: readonly (Buffer | null)[]
  /** Milliseconds since 1970-01-01, -1 without an expiry, -2 without a key; null if no key of the database expires. */
  readonly expiries: readonly number[] | null
}

/**
 * Reads strings by MGET, which costs a server and a client least. Whether it has to ask when keys expire it learns from the server; what the user
 * may not ask in one way it asks in another.
 */
export class StringReading {
  #asks = true
  #mayAskInfo = true
  #mayUseScripts = true

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
      const info = this.#mayAskInfo ? [new EncodedCommand(['INFO', 'keyspace'], [])] : []
      const asked = asks ? this.#expiryCommands(keys) : []
      const commands: RawCommand[] = [...info, new EncodedCommand(['MGET'], keys), ...asked]
      const transaction = [new EncodedCommand(['MULTI'], []), ...commands, new EncodedCommand(['EXEC'], [])]
      const replies = await node.sendAll('reading strings', transaction)
      const refused = replies.findIndex((reply) => reply instanceof Error)
      if (refused >= 0) {
        // What was refused while it was queued says more than the end of the transaction.
        const error = replies[refused] as Error
        if (answerCode(error) !== 'NOPERM' || !this.#otherwise(refused - 1, info.length)) return error
        continue
      }
      const answers = replies.at(-1) as Reply[]
      const failed = answers.find((answer) => answer instanceof Error)
      if (failed instanceof Error) return failed
      if (info.length > 0) this.#asks = hasExpiries(answers[0] as Buffer, this.database)
      if (!this.#asks) return { values: answers[info.length] as (Buffer | null)[], expiries: null }
      if (asks) {
        return {
          values: answers[info.length] as (Buffer | null)[],
          expiries: this.#expiries(answers.slice(info.length + 1), keys.length),
        }
      }
    }
  }

  /** Does without the command at that place; false if it cannot. */
  #otherwise(place: number, infos: number): boolean {
    if (place < 0) return false
    if (place < infos) this.#mayAskInfo = false
    else if (place > infos && this.#mayUseScripts) this.#mayUseScripts = false
    else return false
    this.#asks ||= !this.#mayAskInfo
    return true
  }

  #expiryCommands(keys: readonly Buffer[]): RawCommand[] {
    if (this.#mayUseScripts) return [new EncodedCommand(['EVAL', expiries(this.version), String(keys.length)], keys)]
    return keys.flatMap((key) => expiryCommands(this.version, key).map(([name, ...args]) => new RawCommand(name, args)))
  }

  #expiries(answers: readonly Reply[], count: number): number[] {
    if (answers.length === 1 && Array.isArray(answers[0])) return answers[0] as number[]
    const size = expiryCount(this.version)
    return Array.from({ length: count }, (_, i) => expiryOf(this.version, answers.slice(i * size, (i + 1) * size)))
  }
}

function hasExpiries(info: Buffer, database: number): boolean {
  return keyspaces(info).some((keyspace) => keyspace.database === database && keyspace.expires > 0)
}

function expiries(version: readonly number[]): string {
  return `${expiryFunction(version)}
local out = {}
for i = 1, #KEYS do out[i] = expiry(KEYS[i]) end
return out`
}
