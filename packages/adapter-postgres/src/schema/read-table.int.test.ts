import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgres, type PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { readTable, requireRights, requireTable } from './read-table.js'
import { type Column, requireColumn, schemaOf, shownTable, type Table } from './table.js'

const operation = { signal: new AbortController().signal }

describePostgres('a table as it is declared', () => {
  const database = useDatabase()
  let opened: PostgresDatabase
  let connection: PostgresConnection

  beforeAll(async () => {
    opened = await openPostgres({ connection: database.url }, operation)
    connection = await opened.connect(operation)
  })
  afterAll(async () => {
    await connection[Symbol.asyncDispose]()
    await opened[Symbol.asyncDispose]()
  })

  async function tableOf(sql: string, name: string): Promise<Table> {
    await connection.exec(sql)
    return await requireTable(connection, name)
  }

  async function columnOf(type: string): Promise<Column> {
    const { columns } = await tableOf(`DROP TABLE IF EXISTS one; CREATE TABLE one (v ${type})`, 'one')
    return columns[0] as Column
  }

  it.each<[string, object, string?]>([
    ['boolean', { kind: 'boolean' }],
    ['smallint', { kind: 'int', bits: 16 }],
    ['integer', { kind: 'int', bits: 32 }],
    ['bigint', { kind: 'int', bits: 64 }],
    ['oid', { kind: 'int', bits: 64 }],
    ['numeric', { kind: 'decimal' }],
    ['numeric(10,2)', { kind: 'decimal', precision: 10, scale: 2 }],
    ['numeric(1000,1000)', { kind: 'decimal', precision: 1000, scale: 1000 }],
    ['real', { kind: 'float', bits: 32 }],
    ['double precision', { kind: 'float', bits: 64 }],
    ['text', { kind: 'text' }],
    ['character varying(160)', { kind: 'text' }],
    ['character(3)', { kind: 'text' }],
    ['bytea', { kind: 'bytes' }],
    ['date', { kind: 'date' }],
    ['time without time zone', { kind: 'time' }],
    ['time with time zone', { kind: 'text' }],
    ['timestamp without time zone', { kind: 'timestamp', zone: false, digits: 6 }],
    ['timestamp(3) with time zone', { kind: 'timestamp', zone: true, digits: 3 }],
    ['timestamp(0) without time zone', { kind: 'timestamp', zone: false, digits: 0 }],
    ['interval', { kind: 'text' }],
    ['uuid', { kind: 'uuid' }],
    ['json', { kind: 'json' }],
    ['jsonb', { kind: 'json' }],
    ['numeric(8,3)[]', { kind: 'list', of: { kind: 'decimal', precision: 8, scale: 3 } }],
    ['int2vector', { kind: 'text' }],
    ['point', { kind: 'text' }],
    ['int4range', { kind: 'text' }],
    ['inet', { kind: 'text' }],
    ['tsvector', { kind: 'text' }],
    ['money', { kind: 'text' }],
  ])('a column of %s', async (native, type) => {
    expect(await columnOf(native)).toMatchObject({ native, type, isNullable: true, isGenerated: false, identity: null })
  })

  it('a numeric whose digits end before the point', async ({ skip }) => {
    const [{ version } = { version: 0 }] = await database.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    )
    if (version < 150000) skip('version 15 began with them')
    expect((await columnOf('numeric(3,-4)')).type).toEqual({ kind: 'decimal', precision: 3, scale: -4 })
  })

  it('enums, domains, composites and arrays of them, with their form on the wire', async () => {
    await connection.exec(`
      CREATE SCHEMA other; CREATE TYPE other.mood AS ENUM ('sad', 'it''s ok'); CREATE TYPE pair AS (a int, b text);
      CREATE DOMAIN price AS numeric(10,2) NOT NULL CHECK (VALUE > 0); CREATE DOMAIN prices AS price[];
      CREATE EXTENSION IF NOT EXISTS citext`)
    expect(await columnOf('other.mood')).toMatchObject({
      native: 'other.mood',
      type: { kind: 'text' },
      wire: { base: 'enum' },
    })
    expect(await columnOf('price')).toMatchObject({
      native: 'price',
      type: { kind: 'decimal', precision: 10, scale: 2 },
      wire: { base: 1700, modifier: (10 << 16) + 2 + 4 },
      isNullable: false,
    })
    expect(await columnOf('prices')).toMatchObject({
      type: { kind: 'list', of: { kind: 'decimal', precision: 10, scale: 2 } },
      wire: { base: 'array', element: { base: 1700, name: 'price' } },
    })
    expect(await columnOf('other.mood[]')).toMatchObject({
      native: 'other.mood[]',
      type: { kind: 'list', of: { kind: 'text' } },
      wire: { base: 'array', element: { base: 'enum' } },
    })
    expect(await columnOf('integer[][]')).toMatchObject({
      wire: { oid: 1007, base: 'array', element: { oid: 23, base: 23 } },
    })
    expect(await columnOf('citext')).toMatchObject({
      type: { kind: 'text' },
      wire: { base: 25 },
      collation: { isDeterministic: true },
    })
    const pair = await columnOf('pair')
    expect(pair).toMatchObject({ type: { kind: 'text' }, native: 'pair' })
    expect(pair.wire.base).toBe(pair.wire.oid)
  })

  it('a vector of the catalogue, which is no array, beside the type of its elements', async () => {
    const { columns } = await tableOf('CREATE TABLE vectors (a smallint, b int2vector, c smallint[])', 'vectors')
    expect(columns.map(({ type }) => type.kind)).toEqual(['int', 'text', 'list'])
  })

  it('generated and identity columns, defaults and their sequences', async () => {
    const { columns } = await tableOf(
      `CREATE TABLE made (a int GENERATED ALWAYS AS IDENTITY, b bigserial, c int GENERATED BY DEFAULT AS IDENTITY,
         d int GENERATED ALWAYS AS (a + 1) STORED, e text DEFAULT 'x', f text NOT NULL)`,
      'made',
    )
    expect(columns).toMatchObject([
      { name: 'a', identity: 'always', isNullable: false, sequence: 'public.made_a_seq', hasDefault: false },
      { name: 'b', identity: null, isNullable: false, sequence: 'public.made_b_seq', hasDefault: true },
      { name: 'c', identity: 'by default', sequence: 'public.made_c_seq' },
      { name: 'd', isGenerated: true, hasDefault: false, isNullable: true, sequence: null },
      { name: 'e', hasDefault: true, isGenerated: false },
      { name: 'f', isNullable: false },
    ])
  })

  it('keys in their own order, and which unique index can be one', async () => {
    const table = await tableOf(
      `CREATE TABLE keyed (a int, b int NOT NULL, c int NOT NULL, d int, PRIMARY KEY (c, a), UNIQUE (b) DEFERRABLE, UNIQUE (d));
       CREATE UNIQUE INDEX partial ON keyed (b) WHERE d > 0; CREATE UNIQUE INDEX computed ON keyed ((b + 1), c);
       CREATE UNIQUE INDEX covering ON keyed (b, c) INCLUDE (d); CREATE INDEX plain ON keyed (d)`,
      'keyed',
    )
    expect(table.primaryKey).toEqual(['c', 'a'])
    expect(table.uniqueKeys).toEqual([['c', 'a'], ['b'], ['b', 'c']])
    expect(table.uniqueIndexes).toMatchObject([
      { name: 'keyed_pkey', isPrimary: true, isPartial: false, isDeferrable: false },
      { columns: ['b'], isPrimary: false, isDeferrable: true },
      { columns: ['d'], isNullsNotDistinct: false },
      { name: 'partial', columns: ['b'], isPartial: true },
      { name: 'computed', columns: [null, 'c'] },
      { name: 'covering', columns: ['b', 'c'] },
    ])
    expect(schemaOf(table.columns, table.primaryKey)).toMatchObject({
      key: ['c', 'a'],
      fields: [
        { name: 'a', nullable: false, native: 'integer' },
        { name: 'b' },
        { name: 'c' },
        { name: 'd', nullable: true },
      ],
    })
    expect(schemaOf(table.columns.slice(0, 1), table.primaryKey).key).toEqual([])
  })

  it('does not trust an index that CREATE INDEX CONCURRENTLY could not finish', async () => {
    await connection.exec('CREATE TABLE doubled (v int NOT NULL); INSERT INTO doubled VALUES (1), (1)')
    await expect(connection.exec('CREATE UNIQUE INDEX CONCURRENTLY left_behind ON doubled (v)')).rejects.toThrow()
    expect(await readTable(connection, 'doubled')).toMatchObject({ uniqueIndexes: [], uniqueKeys: [] })
  })

  it('how texts are compared', async () => {
    const { columns } = await tableOf(
      `CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
       CREATE TABLE compared (a text, b text COLLATE "C", c text COLLATE loose, d int, e text COLLATE "ucs_basic")`,
      'compared',
    )
    const [{ isC } = { isC: false }] = await database.query<{ isC: boolean }>(
      `SELECT 'a' < 'B' COLLATE "default" IS FALSE AS "isC"`,
    )
    expect(columns.map(({ collation }) => collation)).toEqual([
      { sql: 'pg_catalog."default"', isByteOrder: isC, isDeterministic: true },
      { sql: 'pg_catalog."C"', isByteOrder: true, isDeterministic: true },
      { sql: 'public.loose', isByteOrder: false, isDeterministic: false },
      null,
      { sql: 'pg_catalog.ucs_basic', isByteOrder: true, isDeterministic: true },
    ])
  })

  it('partitioned tables, views, materialized views', async () => {
    await connection.exec(`
      CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at, (id % 2));
      CREATE VIEW seen AS SELECT id, at || '' AS day FROM parted;
      CREATE MATERIALIZED VIEW kept AS SELECT 1 AS id; CREATE UNIQUE INDEX ON kept (id)`)
    expect(await readTable(connection, 'parted')).toMatchObject({
      kind: 'partitioned table',
      partitionedBy: ['at', null],
    })
    expect(await readTable(connection, 'seen')).toMatchObject({
      kind: 'view',
      columns: [{ name: 'id', isNullable: true }, { name: 'day' }],
      primaryKey: [],
    })
    expect(await readTable(connection, 'kept')).toMatchObject({ kind: 'materialized view', uniqueKeys: [] })
  })

  it('under any name, in any schema', async () => {
    await connection.exec(`
      CREATE TABLE "x; drop table y" ("a""b" int); CREATE SCHEMA "My.Chat"; CREATE SCHEMA chat; CREATE TABLE chat."a.b" (v int);
      CREATE TABLE "chat.messages" (here int); CREATE TABLE chat.messages (there int)`)
    const odd = await requireTable(connection, 'x; drop table y')
    expect(odd).toMatchObject({
      sql: '"public"."x; drop table y"',
      columns: [{ name: 'a"b' }],
    })
    expect(shownTable(odd)).toBe('table "x; drop table y"')
    expect((await connection.query(`SELECT * FROM ${odd.sql}`)).rows).toEqual([])
    expect(await readTable(connection, 'chat.a.b')).toMatchObject({ schema: 'chat', name: 'a.b' })
    // A table of that very name comes first.
    expect(await readTable(connection, 'chat.messages')).toMatchObject({ columns: [{ name: 'here' }] })
    await connection.exec('DROP TABLE "chat.messages"')
    const there = await requireTable(connection, 'chat.messages')
    expect(shownTable(there)).toBe('table "chat.messages"')
  })

  it('names the nearest tables and columns', async () => {
    await connection.exec(
      'CREATE TABLE conversation_history (content text); CREATE SCHEMA archive; CREATE TABLE archive.conversations (v int)',
    )
    await expect(requireTable(connection, 'conversation_histroy')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringMatching(
        /there is no table or view "conversation_histroy"; did you mean "conversation_history"\?.*archive\.conversations/,
      ),
    })
    const { columns } = await requireTable(connection, 'conversation_history')
    expect(() => requireColumn(columns, 'contents', 'table "t"')).toThrow(
      /table "t" has no column "contents"; did you mean "content"/,
    )
  })

  it('knows how many rows there are about, once somebody has counted', async () => {
    await connection.exec('CREATE TABLE counted AS SELECT generate_series(1, 500) AS v; ANALYZE counted')
    expect(await readTable(connection, 'counted')).toMatchObject({ estimatedRows: 500 })
  })

  it('says which right is missing, and the GRANT for it', async () => {
    const user = `reader_${database.name}`
    await connection.exec(
      `CREATE SCHEMA closed; CREATE TABLE closed.t (a int, b int); CREATE TABLE ajar (a int, b int); CREATE ROLE ${user}`,
    )
    await connection.exec(`GRANT SELECT (a), INSERT ON ajar TO ${user}; GRANT SELECT ON closed.t TO ${user}`)
    await connection.transaction(async () => {
      await connection.exec(`SET LOCAL ROLE ${user}`)
      const ajar = await requireTable(connection, 'ajar')
      expect(ajar.rights).toEqual(['SELECT', 'INSERT'])
      await requireRights(connection, ajar, ['SELECT', 'INSERT'])
      await expect(requireRights(connection, ajar, ['INSERT', 'UPDATE', 'DELETE'])).rejects.toMatchObject({
        code: 'STORE_DENIED',
        message: expect.stringContaining(`GRANT UPDATE, DELETE ON "public"."ajar" TO "${user}"`),
      })
      const closed = await requireTable(connection, 'closed.t')
      await expect(requireRights(connection, closed, ['SELECT'])).rejects.toMatchObject({
        message: expect.stringContaining(`GRANT USAGE ON SCHEMA "closed" TO "${user}"`),
      })
    })
    await connection.exec(`DROP OWNED BY ${user}; DROP ROLE ${user}`)
  })
})
