import { type AckSink, type Row, sink } from '@drover/core'
import type { Redis } from 'ioredis'

/** A sink whose positions are in the state store: rows as fields of a hash, by id. */
export function hashSink(client: Redis, key: string): AckSink<Row> {
  return sink<Row>({
    name: 'a hash',
    guarantee: 'idempotent',
    write: async (rows) => {
      await client.hset(key, new Map(rows.map((row) => [String(row.id), JSON.stringify(row)])))
    },
  })
}
