import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { compareCatalogs } from '../../catalog/compare-catalogs.js'
import { readCatalog } from '../../catalog/read-catalog.js'
import type { Catalog } from '../../contracts/catalog.js'
import type { SchemaConnection, SchemaDatabase } from '../../contracts/database.js'
import type { SchemaLocation } from '../../contracts/migrator.js'
import type { SchemaChanges } from '../../contracts/schema-changes.js'
import { openDatabase } from '../../database/open-database.js'
import { LiveSteps } from '../../steps/live-steps.js'
import { recordMigration } from '../../steps/record-migration.js'
import { schemaChanges } from '../schema-changes.js'

const { signal } = new AbortController()
let database: SchemaDatabase
let connection: SchemaConnection

async function run(work: (schema: SchemaChanges) => Promise<unknown>): Promise<void> {
  const foreignKeys = connection.dialect === 'sqlite' ? { foreignKeys: 'off' as const } : {}
  await connection.begin(foreignKeys)
  try {
    await work(schemaChanges(new LiveSteps({ connection, signal, ...foreignKeys })))
    await connection.commit()
  } finally {
    await connection.rollback()
  }
}

function opened(location: () => SchemaLocation): void {
  beforeAll(async () => {
    database = await openDatabase(location())
    connection = await database.connect({ signal })
  })
  afterAll(async () => {
    await connection[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })
}

const catalog = (): Promise<Catalog> => readCatalog((sql, values) => connection.query(sql, values), connection.dialect)
const states = async (): Promise<unknown[]> =>
  (await connection.query('SELECT state FROM calls ORDER BY id')).map(({ state }) => state)

function sharedTests(): void {
  beforeEach(async () => {
    await connection.exec('DROP TABLE IF EXISTS calls')
    if (connection.dialect === 'postgres') await connection.exec('DROP TYPE IF EXISTS call_state CASCADE')
    await run(async (schema) => {
      const values = ['new', 'it\'s "on"', 'done']
      await schema.createEnum('call_state', values)
      await schema.createTable('calls', (table) => void table.integer('id').primary())
      await schema.addColumn('calls', 'state', { type: 'call_state', values, nullable: false, default: 'new' })
      await schema.addColumn('calls', 'last', { type: 'call_state', values })
    })
    await connection.exec(`INSERT INTO calls VALUES (1, 'new', NULL), (2, 'it''s "on"', 'new'), (3, 'done', 'done')`)
  })

  it('takes its values, and no others', async () => {
    const insert = (state: string): Promise<number> =>
      connection.run(`INSERT INTO calls (id, state) VALUES (9, '${state}')`)
    await expect(insert('gone')).rejects.toThrow()
    await run((schema) => schema.addEnumValue('call_state', 'gone', { after: 'new' }))
    await run((schema) => schema.addEnumValue('call_state', 'gone'))
    await insert('gone')
    await expect(connection.run("UPDATE calls SET last = 'other'")).rejects.toThrow()
    await connection.run("UPDATE calls SET last = 'gone'")
  })

  it('renames a value where it is used, as default too', async () => {
    await run((schema) => schema.renameEnumValue('call_state', 'new', 'fresh'))
    expect(await states()).toEqual(['fresh', 'it\'s "on"', 'done'])
    await connection.run('INSERT INTO calls (id) VALUES (4)')
    expect((await states())[3]).toBe('fresh')
    await expect(connection.run("UPDATE calls SET state = 'new'")).rejects.toThrow()
  })

  it('takes values away, with what becomes of them', async () => {
    const values = ['waiting', 'done']
    const failure = run((schema) => schema.changeEnum('call_state', values, { new: 'waiting' }))
    await expect(failure).rejects.toMatchObject({
      code: 'LOSS_REFUSED',
      message: expect.stringContaining('calls.state'),
    })
    await run((schema) => schema.changeEnum('call_state', values, { new: 'waiting', 'it\'s "on"': 'waiting' }))
    expect(await states()).toEqual(['waiting', 'waiting', 'done'])
    await connection.run('INSERT INTO calls (id) VALUES (4)')
    expect((await states())[3]).toBe('waiting')
    await expect(connection.run("UPDATE calls SET last = 'new'")).rejects.toThrow()
  })

  it('is dropped when no column has it', async () => {
    await expect(run((schema) => schema.dropEnum('call_state'))).rejects.toThrow()
    await run(async (schema) => {
      await schema.dropTable('calls')
      await schema.dropEnum('call_state')
    })
  })

  it('refuses what cannot be', async () => {
    await expect(run((schema) => schema.createEnum('e', ['a', 'a']))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(run((schema) => schema.createEnum('e', []))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    const unknown = run((schema) => schema.changeEnum('call_state', ['a'], { new: 'b' }))
    await expect(unknown).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
}

describe('enums in SQLite', () => {
  opened(() => ':memory:')
  sharedTests()

  it('switch foreign keys off by their preview', async () => {
    const up = ({ schema }: { readonly schema: SchemaChanges }): Promise<void> =>
      schema.addEnumValue('call_state', 'gone')
    const steps = await recordMigration({ id: '001', up }, 'up', 'sqlite')
    expect(steps).toEqual([expect.objectContaining({ kind: 'unseen', by: expect.stringContaining('rebuild') })])
  })
})

describePostgres('enums in PostgreSQL', () => {
  const server = useDatabase()
  opened(() => server.url)
  sharedTests()

  it('changes what compares with values: indexes, checks, views, arrays', async () => {
    await connection.exec(`ALTER TABLE calls ADD all_states call_state[] DEFAULT '{new}';
CREATE INDEX open_calls ON calls (id) WHERE state <> 'done';
ALTER TABLE calls ADD CONSTRAINT ends CHECK (last IS NULL OR last <> 'done' OR state = 'done');
CREATE VIEW open_ones AS SELECT id, state FROM calls WHERE state <> 'done';
COMMENT ON TYPE call_state IS 'how it stands'`)
    const before = await catalog()
    await run((schema) => schema.changeEnum('call_state', ['done', 'new', 'it\'s "on"']))
    const now = await catalog()
    expect(compareCatalogs(before, now).filter(({ object }) => object !== 'enum')).toEqual([])
    expect(now.enums.map(({ values }) => values)).toEqual([['done', 'new', 'it\'s "on"']])
    expect(await connection.query('SELECT count(*)::int AS n FROM open_ones')).toEqual([{ n: 2 }])
    const gone = run((schema) => schema.changeEnum('call_state', ['new', 'it\'s "on"', 'over'], { done: 'over' }))
    await expect(gone).rejects.toMatchObject({
      code: 'CONDITION_FAILED',
      message: expect.stringContaining('open_calls'),
    })
    await connection.exec('DROP VIEW open_ones; DROP INDEX open_calls; ALTER TABLE calls DROP CONSTRAINT ends')
    await connection.exec(`CREATE FUNCTION shown(call_state) RETURNS text LANGUAGE sql AS 'SELECT 1'`)
    await expect(run((schema) => schema.changeEnum('call_state', ['new', 'it\'s "on"', 'done']))).rejects.toThrow(
      'depend on it',
    )
  })
})
