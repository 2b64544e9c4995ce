import type { Redis } from 'ioredis'
import { setDocument } from './redis-fixtures.js'

/**
 * What the savers of LangGraph.js use of a client of the package redis, over a server without modules: documents are strings of JSON, and there is no
 * RediSearch. Keys, sorted sets and what is read and written are the library's own.
 */
export function documentClient(client: Redis): object {
  return {
    json: {
      get: async (key: string): Promise<unknown> => {
        const text = await client.get(key)
        return text === null ? null : JSON.parse(text)
      },
      set: async (
        key: string,
        _path: string,
        document: unknown,
        options?: { readonly NX?: boolean },
      ): Promise<void> => {
        if (options?.NX === true && (await client.exists(key)) === 1) return
        await setDocument(client, key, JSON.stringify(document), 'text')
      },
    },
    ft: { create: async () => 'OK' },
    keys: (pattern: string) => client.keys(pattern),
    exists: (key: string) => client.exists(key),
    expire: (key: string, seconds: number) => client.expire(key, seconds),
    del: (keys: string | string[]) => client.del(...[keys].flat()),
    zAdd: (key: string, members: readonly { readonly score: number; readonly value: string }[]) =>
      client.zadd(key, ...members.flatMap(({ score, value }) => [score, value])),
    zRange: (key: string, from: number, to: number) => client.zrange(key, String(from), String(to)),
  }
}
