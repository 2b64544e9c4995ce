import { DroverError, type Operation } from '@drover/core'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import { pathOf } from './collection-info.js'

type Key = string | number

interface Shards {
  readonly local_shards?: readonly { readonly shard_key?: Key | null }[]
  readonly remote_shards?: readonly { readonly shard_key?: Key | null }[]
}

/** The shards of a collection whose user names them: made as their first point comes, if the collection may be created. */
export class ShardKeys {
  #known: Set<Key> | undefined
  readonly #making = new Map<Key, Promise<void>>()

  constructor(
    private readonly connection: QdrantConnection,
    private readonly collection: string,
    private readonly mayCreate: boolean,
  ) {}

  /** @throws `SINK_NOT_READY` */
  async ready(key: Key, operation: Operation): Promise<void> {
    this.#known ??= await this.#read(operation)
    if (this.#known.has(key)) return
    const making = this.#making.get(key) ?? this.#make(key, operation)
    this.#making.set(key, making)
    await making.finally(() => this.#making.delete(key))
  }

  async #make(key: Key, operation: Operation): Promise<void> {
    const { connection, collection } = this
    if (!this.mayCreate) {
      const there = [...(this.#known ?? [])].map((known) => JSON.stringify(known)).join(', ') || 'none'
      throw new DroverError(
        'SINK_NOT_READY',
        `${connection.name}, collection "${collection}" has no shard with the key ${JSON.stringify(key)}. There are: ${there}. With create it is made.`,
      )
    }
    const { signal } = operation
    const doing = `creating the shard ${JSON.stringify(key)} of collection "${collection}"`
    try {
      await connection.request('PUT', `${pathOf(collection)}/shards`, { shard_key: key }, { signal, doing })
      this.#known?.add(key)
    } catch (error) {
      this.#known = await this.#read(operation)
      // Another process was quicker.
      if (!this.#known.has(key)) throw error
    }
  }

  async #read({ signal }: Operation): Promise<Set<Key>> {
    const doing = `reading the shards of collection "${this.collection}"`
    const answer = await this.connection.request('GET', `${pathOf(this.collection)}/cluster`, undefined, {
      signal,
      doing,
    })
    const { local_shards = [], remote_shards = [] } = answer as Shards
    const keys = [...local_shards, ...remote_shards].flatMap(({ shard_key }) => (shard_key == null ? [] : [shard_key]))
    return new Set(keys)
  }
}
