import { sourceSuite } from '@drover/conformance'
import type { Field, RecordSchema, Row } from '@drover/core'
import { type PostgresServer, startPostgres } from '@drover-internal/postgres-server'
import { describeOwnServer, describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll } from 'vitest'
import { quoteName } from '../connection/quote-name.js'
import { type PostgresSourceOptions, postgresSource } from './postgres-source.js'

type TestDatabase = ReturnType<typeof useDatabase>

let tables = 0

function harness(database: TestDatabase, options: Partial<PostgresSourceOptions>) {
  return async (schema: RecordSchema) => {
    const table = `rows ${++tables}`
    const columns = schema.fields.map((field) => `${quoteName(field.name)} ${declared(field)}`)
    await database.query(
      `CREATE TABLE ${quoteName(table)} (${columns.join(', ')}, PRIMARY KEY (${schema.key.map(quoteName).join(', ')}))`,
    )
    return {
      open: () => postgresSource({ connection: database.url, table, ...options }),
      seed: async (records: readonly Row[]) => {
        for (let at = 0; at < records.length; at += 500) {
          const part = records.slice(at, at + 500)
          const places = part.map(
            (_, row) => `(${schema.fields.map((_, i) => `$${row * schema.fields.length + i + 1}`).join(', ')})`,
          )
          await database.query(
            `INSERT INTO ${quoteName(table)} VALUES ${places.join(', ')}`,
            part.flatMap((record) => schema.fields.map((field) => given(field, record[field.name]))),
          )
        }
      },
      [Symbol.asyncDispose]: async () => {
        await database.query(`DROP TABLE ${quoteName(table)}`)
      },
    }
  }
}

describePostgres('conformance', () => {
  const database = useDatabase()

  sourceSuite('postgresSource', {
    capabilities: {
      values: [
        'boolean',
        'int32',
        'int64',
        'float64',
        'negativeZero',
        'infinity',
        'nan',
        'text',
        'bytes',
        'decimal',
        'json',
        'timestampUs',
        'date',
        'uuid',
      ],
      keys: ['int', 'bigint', 'text', 'composite'],
      count: 'exact',
      partitions: true,
      split: true,
      pushDown: true,
    },
    create: harness(database, {}),
  })
})

describeOwnServer('conformance, where nobody else writes', () => {
  let server: PostgresServer
  beforeAll(async () => {
    // A transaction of anybody, autovacuum's too, ends the moment that a resumed read looks for; and a read that catches up gives again
    // what is newer than the oldest one that is open, in whatever database.
    server = await startPostgres({ settings: { autovacuum: 'off' }, inMemory: true, quickLogins: true })
  })
  afterAll(() => server[Symbol.asyncDispose]())
  const database = useDatabase(() => server.url)

  sourceSuite('postgresSource that catches up', {
    capabilities: {
      values: ['text'],
      keys: ['int'],
      count: 'exact',
      partitions: true,
      pushDown: true,
      repeats: true,
    },
    create: harness(database, { catchUp: true }),
  })

  sourceSuite('postgresSource of one moment', {
    capabilities: {
      values: ['int64'],
      keys: ['composite'],
      count: 'exact',
      partitions: true,
      split: true,
      pushDown: true,
      // A run that is resumed after something was written has lost its moment.
      grows: false,
    },
    create: harness(database, { snapshot: true }),
  })
})

function declared({ type }: Field): string {
  switch (type.kind) {
    case 'int':
      return type.bits === 64 ? 'bigint' : 'integer'
    case 'float':
      return 'double precision'
    case 'bytes':
      return 'bytea'
    case 'decimal':
      return `numeric(${type.precision}, ${type.scale})`
    case 'timestamp':
      return type.zone ? 'timestamptz' : 'timestamp'
    case 'json':
      return 'jsonb'
    default:
      return type.kind
  }
}

function given({ type }: Field, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (type.kind === 'json') return JSON.stringify(value)
  if (value instanceof Uint8Array) return Buffer.from(value)
  return Object.is(value, -0) ? '-0' : String(value)
}
