import { type Cell, copySets } from './copy-sets.js'
import { sets } from './sets.js'
import type { Store } from './store.js'
import { json, ndjson } from './stores/files.js'
import { memory } from './stores/memory.js'
import { parquet } from './stores/parquet.js'
import { postgres } from './stores/postgres.js'
import { qdrant } from './stores/qdrant.js'
import { redisHashes, redisStrings } from './stores/redis.js'
import { sqlite } from './stores/sqlite.js'

/** What became of every set between two stores, by the names of the stores and of the set. */
export type Matrix = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, Cell>>>

/** Servers to copy from and to. */
export interface Servers {
  readonly postgres: string
  /** An empty database of Redis. */
  readonly redis: string
  /** Of Qdrant, or with its storage semantics. */
  readonly qdrant: string
}

/** Copies every set from every store to every store, itself too. */
export async function copyAll(servers: Servers): Promise<Matrix> {
  const stores: Store[] = []
  try {
    stores.push(memory(), sqlite('better-sqlite3'), sqlite('sqlite3'), ndjson(), json(), parquet())
    stores.push(await postgres(servers.postgres), redisHashes(servers.redis), redisStrings(servers.redis))
    stores.push(qdrant(servers.qdrant))
    const matrix = new Map<string, Map<string, ReadonlyMap<string, Cell>>>()
    const sources = stores.filter(({ holds }) => sets.some(holds)).map(seededOnce)
    for (const to of stores) {
      const row = new Map<string, ReadonlyMap<string, Cell>>()
      for (const from of sources) row.set(from.name, await copySets(sets, from, to))
      matrix.set(to.name, row)
    }
    return matrix
  } finally {
    for (const store of stores) await store[Symbol.asyncDispose]()
  }
}

/** The same records are copied to every store: they are put into this one once. */
function seededOnce(store: Store): Store {
  const seeded = new Map<string, ReturnType<Store['seed']>>()
  return {
    ...store,
    seed: (wanted, records) => {
      const names = wanted.map(({ name }) => name).join()
      const source = seeded.get(names) ?? store.seed(wanted, records)
      seeded.set(names, source)
      return source
    },
  }
}
