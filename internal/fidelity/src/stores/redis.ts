import { type RedisHash, redisSink, redisSource } from '@drover/adapter-redis'
import { from, type Row, type Sink, transformer } from '@drover/core'
import { Redis } from 'ioredis'
import { readRows } from '../read-rows.js'
import { fieldsOf } from '../records.js'
import type { NamedSet } from '../sets.js'
import type { Store } from '../store.js'

/** A hash for each record. Redis has no other values than texts: so these are what its source gives. */
export function redisHashes(connection: string): Store {
  const client = new Redis(connection)
  let seeds = 0
  return {
    name: 'Redis, hashes',
    // What a client sends is UTF-8.
    holds: ({ name, type }) => type.kind === 'text' && name !== 'loneSurrogate',
    seed: async (sets, records) => {
      const keyPrefix = `records ${++seeds}:`
      for (const record of records) {
        const filled = Object.entries(record).filter(([, value]) => value !== null)
        await client.hset(`${keyPrefix}${record.id}`, Object.fromEntries(filled))
      }
      return from(redisSource({ connection, keyPrefix, types: 'hash' })).pipe(fieldsAlone(sets))
    },
    place: place(connection, 'hash'),
    [Symbol.asyncDispose]: async () => client.disconnect(),
  }
}

/** A string for each record, its JSON. As a source that is a text, and nothing that other texts are not. */
export function redisStrings(connection: string): Store {
  return {
    name: 'Redis, strings',
    holds: () => false,
    seed: () => Promise.reject(new Error('It has none of the sets.')),
    place: place(connection, 'string'),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** A prefix for each copy. */
function place(connection: string, as: 'hash' | 'string'): Store['place'] {
  let copies = 0
  return () => {
    const sink: Sink = redisSink({ connection, key: `copy ${++copies} of ${as}:{id}`, as })
    return {
      sink,
      // All is text there: which types it had the sink knows if it is told as the run told it.
      contents: async (schema) => {
        const { signal } = new AbortController()
        await using session = await sink.connect({ signal })
        await session.prepare?.(schema, { signal })
        const source = session.readBack?.()
        if (source === undefined) throw new Error(`${sink.name} cannot be read back`)
        return readRows(source)
      },
    }
  }
}

/** A hash's fields as the record: null are those that it has not. */
function fieldsAlone(sets: readonly NamedSet[]) {
  const empty = Object.fromEntries(sets.map(({ name }) => [name, null]))
  return transformer({
    name: 'fieldsAlone',
    describe: () => ({ fields: fieldsOf(sets), key: [] }),
    transform: ({ value }: RedisHash): Row => ({ ...empty, ...value, id: Number(value.id) }),
  })
}
