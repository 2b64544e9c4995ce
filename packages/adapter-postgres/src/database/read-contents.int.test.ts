import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { TestSchema } from '../testing/test-schema.js'
import { postgresDatabase } from './postgres-database.js'

const { signal } = new AbortController()

describePostgres('the tables of a schema', () => {
  const database = useDatabase()

  async function contentsOf(sql: (schema: string) => string) {
    await using schema = await TestSchema.create(database)
    await database.query(`SET search_path = ${schema.name}; ${sql(schema.name)}; RESET search_path`)
    await using session = await postgresDatabase({ connection: database.url, schema: schema.name }).connect({
      signal,
      role: 'from',
    })
    return await session.tables({ signal })
  }

  it('are all but those of Drover; a partitioned one is one, and views are said', async () => {
    const { tables, leftOut } = await contentsOf(
      () => `CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (9);
        CREATE TABLE drover_runs (x int); CREATE VIEW v AS SELECT 1 AS x; CREATE MATERIALIZED VIEW m AS SELECT 1 AS x`,
    )
    expect(tables.map(({ name }) => name)).toEqual(['part'])
    expect(leftOut).toEqual([
      { name: 'm', what: 'a materialized view' },
      { name: 'v', what: 'a view' },
    ])
  })

  it('have their keys, with actions, and not those to another schema', async () => {
    await database.query('CREATE TABLE IF NOT EXISTS public.elsewhere (id int PRIMARY KEY)')
    const { tables } = await contentsOf(
      () => `CREATE TABLE p (a int, b int, PRIMARY KEY (b, a), UNIQUE (a));
        CREATE TABLE c (id serial PRIMARY KEY, x int REFERENCES public.elsewhere, y int, z int,
          CONSTRAINT "to P" FOREIGN KEY (y, z) REFERENCES p (a, b) ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED);
        CREATE UNIQUE INDEX ON c (y) WHERE z > 1`,
    )
    const [child, parent] = tables
    expect(child).toMatchObject({ name: 'c', key: ['id'], counted: 'id', uniqueKeys: [] })
    expect(child?.foreignKeys).toEqual([
      {
        name: 'to P',
        columns: ['y', 'z'],
        references: 'p',
        referencedColumns: ['a', 'b'],
        onDelete: 'set null',
        onUpdate: 'cascade',
        isDeferred: true,
      },
    ])
    expect(child?.notes).toEqual([expect.stringContaining('(x) to "public.elsewhere" is left out')])
    expect(parent).toMatchObject({ name: 'p', key: ['b', 'a'], uniqueKeys: [['a']] })
  })

  it('say what keeps them from being read', async () => {
    const { tables } = await contentsOf(
      () =>
        'CREATE TABLE keyless (x int); CREATE TABLE top (id int PRIMARY KEY); CREATE TABLE under (PRIMARY KEY (id)) INHERITS (top)',
    )
    expect(tables.map(({ name, problems }) => [name, problems])).toEqual([
      ['keyless', [expect.stringContaining('key')]],
      ['top', [expect.stringContaining('inherit')]],
      ['under', []],
    ])
  })

  it('are not looked for in a schema that is not there', async () => {
    await using session = await postgresDatabase({ connection: database.url, schema: 'nowhere' }).connect({
      signal,
      role: 'from',
    })
    await expect(session.tables({ signal })).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })

  it('of names that are too long, or of a view that is there, are refused', async () => {
    await using schema = await TestSchema.create(database)
    await database.query(`CREATE VIEW ${schema.name}.v AS SELECT 1 AS x`)
    await using session = await postgresDatabase({ connection: database.url, schema: schema.name }).connect({
      signal,
      role: 'to',
    })
    const table = (name: string) => ({
      name,
      schema: { fields: [], key: [] },
      key: [],
      uniqueKeys: [],
      foreignKeys: [],
    })
    const how = { signal, onConflict: 'error', foreignKeys: true, isFresh: true } as const
    const { problems, missing } = await session.examine([table('v'), table('ü'.repeat(32))], how)
    expect(problems.map(({ problem }) => problem)).toEqual([
      'there is a view of that name.',
      expect.stringContaining('more than 63 bytes'),
    ])
    expect(missing).toEqual(['ü'.repeat(32)])
  })
})
