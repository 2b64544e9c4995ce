import { postgresSink, postgresSource } from '@drover/adapter-postgres'
import { encodeJson, type LogicalType } from '@drover/core'
import { createDatabase } from '@drover-internal/postgres-server'
import { readRows } from '../read-rows.js'
import type { NamedSet } from '../sets.js'
import type { Store } from '../store.js'

/** A table for each side of each copy, in one database. */
export async function postgres(serverUrl: string): Promise<Store> {
  const database = await createDatabase(serverUrl)
  const connection = database.url
  let tables = 0
  return {
    name: 'PostgreSQL',
    holds: (set) => !isForeign.has(set.name) && declared(set.type) !== null,
    seed: async (sets, records) => {
      const table = `records ${++tables}`
      const columns = sets.map(({ name, type }) => `"${name}" ${declared(type)}`)
      await database.query(`CREATE TABLE "${table}" (${['id int PRIMARY KEY', ...columns].join(', ')})`)
      for (const record of records) {
        const places = ['$1', ...sets.map((_, i) => `$${i + 2}`)]
        const values = [record.id, ...sets.map((set) => bound(set, record[set.name]))]
        await database.query(`INSERT INTO "${table}" VALUES (${places.join(', ')})`, values)
      }
      return postgresSource({ connection, table })
    },
    place: () => {
      const table = `copy ${++tables}`
      return {
        sink: postgresSink({ connection, table, key: 'id' }),
        contents: () => readRows(postgresSource({ connection, table })),
      }
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

/** Values that no column of PostgreSQL can be given. */
const isForeign = new Set(['uint64', 'nulText', 'loneSurrogate', 'timestampNs', 'nestedList'])

function declared(type: LogicalType): string | null {
  switch (type.kind) {
    case 'int':
      return { 8: null, 16: 'smallint', 32: 'integer', 64: 'bigint' }[type.bits]
    case 'decimal':
      return type.precision === undefined ? 'numeric' : `numeric(${type.precision}, ${type.scale})`
    case 'float':
      return type.bits === 32 ? 'real' : 'double precision'
    case 'bytes':
      return 'bytea'
    case 'timestamp':
      return `${type.zone ? 'timestamptz' : 'timestamp'}(${type.digits})`
    case 'json':
      return 'jsonb'
    case 'list':
      return `${declared(type.of)}[]`
    case 'struct':
    case 'vector':
    case 'any':
      return null
    default:
      return type.kind
  }
}

function bound({ type }: NamedSet, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (type.kind === 'json') return encodeJson(value, { values: 'plain' })
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (Array.isArray(value)) return value
  return Object.is(value, -0) ? '-0' : String(value)
}
