import type { Field, LogicalType } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgres, type PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { createTable } from './create-table.js'
import { requireTable } from './read-table.js'
import { schemaOf } from './table.js'

const operation = { signal: new AbortController().signal }

describePostgres('a table that is created', () => {
  const database = useDatabase()
  let opened: PostgresDatabase
  let connection: PostgresConnection
  let created = 0

  beforeAll(async () => {
    opened = await openPostgres({ connection: database.url }, operation)
    connection = await opened.connect(operation)
  })
  afterAll(async () => {
    await connection[Symbol.asyncDispose]()
    await opened[Symbol.asyncDispose]()
  })

  async function typeOf(type: LogicalType, native?: string): Promise<string | undefined> {
    const name = `created_${created++}`
    const field: Field = { name: 'v', type, nullable: true, ...(native === undefined ? {} : { native }) }
    await createTable(connection, name, { fields: [field], key: [] }, [])
    const [column] = (await requireTable(connection, name)).columns
    return column?.native
  }

  it('has the very columns of the table of Postgres that the records come from', async () => {
    await connection.exec(`
      CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN price AS numeric(10,2);
      CREATE TABLE original (id uuid, at timestamp(3) with time zone NOT NULL, a character varying(160), b character(3), c numeric(10,2)[],
        d mood, e price, f interval day to second(3), g inet, h bit varying(9), i timestamp without time zone, j "char",
        k int4range, l double precision, PRIMARY KEY (at, id))`)
    const original = await requireTable(connection, 'original')
    await createTable(connection, 'copy', schemaOf(original.columns, original.primaryKey), original.primaryKey)
    const copy = await requireTable(connection, 'copy')
    expect(copy.columns).toEqual(original.columns)
    expect(copy.primaryKey).toEqual(['at', 'id'])
  })

  it.each<[LogicalType, string]>([
    [{ kind: 'boolean' }, 'boolean'],
    [{ kind: 'int', bits: 8 }, 'smallint'],
    [{ kind: 'int', bits: 32 }, 'integer'],
    [{ kind: 'int', bits: 64 }, 'bigint'],
    [{ kind: 'decimal' }, 'numeric'],
    [{ kind: 'decimal', precision: 38, scale: 9 }, 'numeric(38,9)'],
    [{ kind: 'decimal', precision: 5 }, 'numeric(5,0)'],
    [{ kind: 'decimal', precision: 3, scale: 9 }, 'numeric'],
    [{ kind: 'float', bits: 32 }, 'real'],
    [{ kind: 'float', bits: 64 }, 'double precision'],
    [{ kind: 'text' }, 'text'],
    [{ kind: 'bytes' }, 'bytea'],
    [{ kind: 'date' }, 'date'],
    [{ kind: 'time' }, 'time without time zone'],
    [{ kind: 'timestamp', zone: true, digits: 3 }, 'timestamp with time zone'],
    [{ kind: 'timestamp', zone: false, digits: 6 }, 'timestamp without time zone'],
    [{ kind: 'uuid' }, 'uuid'],
    [{ kind: 'json' }, 'jsonb'],
    [{ kind: 'any' }, 'jsonb'],
    [{ kind: 'struct', fields: [] }, 'jsonb'],
    [{ kind: 'list', of: { kind: 'text' } }, 'text[]'],
    [{ kind: 'list', of: { kind: 'list', of: { kind: 'text' } } }, 'jsonb'],
    [{ kind: 'vector', dimensions: 3 }, 'real[]'],
  ])('holds %o in %s', async (type, native) => {
    expect(await typeOf(type)).toBe(native)
  })

  it.each<[string, LogicalType, string]>([
    ['NVARCHAR(160)', { kind: 'text' }, 'text'],
    ['varchar(10)', { kind: 'text' }, 'text'],
    ['REAL', { kind: 'float', bits: 64 }, 'double precision'],
    ['real', { kind: 'float', bits: 64 }, 'double precision'],
    ['BLOB', { kind: 'any' }, 'bytea'],
    ['longblob', { kind: 'any' }, 'bytea'],
    ['ANY', { kind: 'any' }, 'jsonb'],
    ['INTEGER', { kind: 'int', bits: 64 }, 'bigint'],
    ['integer', { kind: 'int', bits: 64 }, 'bigint'],
    ['date', { kind: 'text' }, 'text'],
    ['text); DROP TABLE original; --', { kind: 'text' }, 'text'],
    ['elsewhere.mood', { kind: 'text' }, 'text'],
    ['character varying(10)', { kind: 'text' }, 'character varying(10)'],
  ])('does not take the name %s of another store for a type of ours', async (native, type, expected) => {
    expect(await typeOf(type, native)).toBe(expected)
  })

  it('stays as it is if it is there, and may be created by many at once', async () => {
    const schema = { fields: [{ name: 'id', type: { kind: 'int', bits: 32 }, nullable: true } as const], key: [] }
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await using own = await opened.connect(operation)
        await createTable(own, 'raced', schema, ['id'])
      }),
    )
    await createTable(connection, 'raced', { fields: [], key: [] }, [])
    expect(await requireTable(connection, 'raced')).toMatchObject({
      primaryKey: ['id'],
      columns: [{ isNullable: false }],
    })
  })

  it('has any name, in any schema that is there', async () => {
    const schema = { fields: [{ name: 'a"; drop', type: { kind: 'text' }, nullable: true } as const], key: [] }
    await connection.exec('CREATE SCHEMA "Other"')
    await createTable(connection, 'Other.x"; drop table y', schema, [])
    expect(await requireTable(connection, 'Other.x"; drop table y')).toMatchObject({
      schema: 'Other',
      columns: [{ name: 'a"; drop' }],
    })
    await expect(createTable(connection, 'nowhere.t', schema, [])).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining('CREATE SCHEMA "nowhere"'),
    })
    await expect(createTable(connection, 't', schema, ['a'])).rejects.toMatchObject({ code: 'SINK_NOT_READY' })
  })

  it('is part of the transaction that it is created in', async () => {
    await connection.transaction(() => createTable(connection, 'tried', { fields: [], key: [] }, []), {
      end: 'rollback',
    })
    await expect(requireTable(connection, 'tried')).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })
})
