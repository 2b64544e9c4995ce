import { type Row, type Sink, sink } from '@drover/core'
import { Redis } from 'ioredis'

/** A sink whose positions are in the state store: rows as fields of a hash, by id. */
export function hashSink(url: string, key: string): Sink<Row> {
  const client = new Redis(url, { lazyConnect: true })
  return sink<Row>({
    name: 'a hash',
    guarantee: 'idempotent',
    write: async (rows) => {
      const fields = new Map(rows.map((row) => [String(row.id), JSON.stringify(row)]))
      if (fields.size > 0) await client.hset(key, fields)
    },
  })
}
