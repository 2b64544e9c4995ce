/** Layouts of checkpoints in Redis. */
export type RedisCheckpointLayout = 'langgraph-redis' | 'langgraph-redis-shallow' | 'langgraph-js-redis'

/** What Python writes for an empty namespace, which RediSearch could not look for; JavaScript in documents, but not in names of keys. */
const emptyText = '__empty__'
const emptyId = '00000000-0000-0000-0000-000000000000'

export const defaultKeyPrefix = 'checkpoint:'

/** The namespace that a document names. */
export function plainText(stored: string): string {
  return stored === emptyText ? '' : stored
}

/** The id that a document names. */
export function plainId(stored: string): string {
  return stored === emptyId ? '' : stored
}

export function safeText(text: string): string {
  return text === '' ? emptyText : text
}

export function safeId(id: string): string {
  return id === '' ? emptyId : id
}

/** What names of a checkpoint's keys are made of. */
export interface CheckpointName {
  readonly thread_id: string
  readonly checkpoint_ns: string
  readonly checkpoint_id: string
}

/**
 * Names of keys that belong to a checkpoint. Thread ids and namespaces may have separators in them (`node:uuid|inner:uuid`), so names are
 * only ever made of what documents say, and never taken apart.
 */
export class CheckpointKeys {
  /** @param keyPrefix Of the checkpoints: `checkpoint:`. */
  constructor(
    readonly layout: RedisCheckpointLayout,
    readonly keyPrefix: string = defaultKeyPrefix,
  ) {}

  /** The document itself. */
  checkpoint(name: CheckpointName): string {
    const { thread_id, checkpoint_ns } = name
    if (this.layout === 'langgraph-redis-shallow') return `${this.keyPrefix}${thread_id}:${checkpoint_ns}`
    return `${this.keyPrefix}${this.#tail(name)}`
  }

  /** The sorted set that names the keys of writes. */
  writes(name: CheckpointName): string {
    if (this.layout !== 'langgraph-redis-shallow') return `write_keys_zset:${this.#tail(name)}`
    return `write_registry:${name.thread_id}:${safeText(name.checkpoint_ns)}:shallow`
  }

  /** What the keys of writes begin with. */
  writePrefix(name: CheckpointName): string {
    return `${this.#stem}_write:${this.#tail(name)}:`
  }

  /** The value of a channel that is kept by itself. */
  blob({ thread_id, checkpoint_ns }: CheckpointName, channel: string, version: unknown): string {
    const isJs = this.layout === 'langgraph-js-redis'
    const start = isJs ? `${thread_id}:${checkpoint_ns}` : `${safeId(thread_id)}:${safeText(checkpoint_ns)}`
    return `${this.#stem}_blob:${start}:${channel}:${String(version)}`
  }

  /** What names the newest checkpoint. */
  latest({ thread_id, checkpoint_ns }: CheckpointName): string {
    return `${this.#stem}_latest:${safeId(thread_id)}:${safeText(checkpoint_ns)}`
  }

  get #stem(): string {
    return this.keyPrefix.replace(/:$/, '')
  }

  #tail({ thread_id, checkpoint_ns, checkpoint_id }: CheckpointName): string {
    if (this.layout === 'langgraph-js-redis') return `${thread_id}:${checkpoint_ns}:${checkpoint_id}`
    return `${safeId(thread_id)}:${safeText(checkpoint_ns)}:${safeId(checkpoint_id)}`
  }
}
