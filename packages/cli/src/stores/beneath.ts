import { parquet } from './parquet.js'
import { postgres } from './postgres.js'
import { qdrant } from './qdrant.js'
import { redis } from './redis.js'
import { sqlite } from './sqlite.js'
import type { StoreType } from './store-type.js'

const adapters: Readonly<Record<string, StoreType>> = { postgres, sqlite, redis, qdrant }

/** What the package of a store lies upon, and loads itself: whoever installs one needs the other. */
export function beneath(type: string, options: object): StoreType | undefined {
  if (type === 'checkpoints-parquet') return parquet
  const { store } = options as { readonly store?: unknown }
  return type === 'checkpoints' && typeof store === 'string' && Object.hasOwn(adapters, store)
    ? adapters[store]
    : undefined
}
