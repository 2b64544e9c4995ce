import type { Operation } from '@drover/core'
import type { CheckpointKeys } from './checkpoint-keys.js'
import type { OpenedCheckpoint } from './opened-checkpoint.js'
import type { RedisReader } from './redis-reader.js'

/**
 * Finds the keys of the writes of checkpoints: in the sorted set that belongs to each, or, of versions that kept none, by looking for all
 * of them once.
 */
export class WriteKeys {
  #all: Promise<readonly string[]> | undefined

  constructor(
    private readonly reader: RedisReader,
    private readonly names: CheckpointKeys,
  ) {}

  /** Parallel to the checkpoints. */
  async of(checkpoints: readonly OpenedCheckpoint[], operation: Operation): Promise<readonly (readonly string[])[]> {
    const registered = await this.reader.members(
      checkpoints.map(({ name }) => this.names.writes(name)),
      operation,
    )
    return Promise.all(
      checkpoints.map(async ({ name, hasWrites }, i) => {
        const own = registered[i] ?? []
        const isKnown = own.length > 0 || hasWrites === false || this.names.layout === 'langgraph-redis-shallow'
        return isKnown ? own : this.#sought(this.names.writePrefix(name), operation)
      }),
    )
  }

  async #sought(prefix: string, operation: Operation): Promise<readonly string[]> {
    const stem = `${this.names.keyPrefix.replace(/:$/, '')}_write:`
    this.#all ??= this.reader.keys(stem, 'document', operation)
    const all = await this.#all
    const found: string[] = []
    for (let at = placeOf(all, prefix); all[at]?.startsWith(prefix) === true; at++) found.push(all[at] as string)
    return found
  }
}

/** The first that is not less, of sorted texts. */
function placeOf(all: readonly string[], text: string): number {
  let [from, to] = [0, all.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((all[middle] as string) < text) from = middle + 1
    else to = middle
  }
  return from
}
