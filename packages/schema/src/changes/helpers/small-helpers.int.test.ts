import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readCatalog } from '../../catalog/read-catalog.js'
import type { Catalog, CatalogTable } from '../../contracts/catalog.js'
import type { SchemaConnection, SchemaDatabase } from '../../contracts/database.js'
import type { SchemaLocation } from '../../contracts/migrator.js'
import type { Steps } from '../../contracts/steps.js'
import { openDatabase } from '../../database/open-database.js'
import { LiveSteps } from '../../steps/live-steps.js'
import { PreviewSteps } from '../../steps/preview-steps.js'
import { archiveTable } from './archive-table.js'
import { concurrentIndex } from './concurrent-index.js'
import { addForeignKey, dropForeignKey } from './foreign-key.js'
import { addNotNull, dropNotNull } from './not-null.js'
import { setRowVersion } from './row-version.js'

const { signal } = new AbortController()
let database: SchemaDatabase
let connection: SchemaConnection
let notes: string[] = []

const script = `
DROP TABLE IF EXISTS calls_archive_003; DROP TABLE IF EXISTS calls_archive_003_2; DROP TABLE IF EXISTS old_calls;
DROP TABLE IF EXISTS calls; DROP TABLE IF EXISTS callers;
CREATE TABLE callers (id integer PRIMARY KEY, phone text UNIQUE);
CREATE TABLE calls (id integer PRIMARY KEY, caller_id integer, status varchar(20) DEFAULT 'new', schema_version integer);
INSERT INTO callers VALUES (1, '555-1'), (2, '555-2');
INSERT INTO calls VALUES (1, 1, 'done', 1), (2, 2, NULL, NULL), (3, 7, NULL, 2), (4, NULL, 'new', 2);
`

async function run(work: (steps: Steps) => Promise<unknown>, transaction: 'one' | 'none' = 'one'): Promise<void> {
  notes = []
  const logger = { info: (said: string) => notes.push(said), warn() {}, error() {}, debug() {} }
  const isSqlite = connection.dialect === 'sqlite'
  const foreignKeys = isSqlite ? { foreignKeys: 'off' as const } : {}
  if (transaction === 'one') await connection.begin(foreignKeys)
  try {
    await work(new LiveSteps({ connection, signal, transaction, revision: '003', logger, ...foreignKeys }))
    if (transaction === 'one') await connection.commit()
  } finally {
    await connection.rollback()
  }
}

const catalog = (): Promise<Catalog> => readCatalog((sql, values) => connection.query(sql, values), connection.dialect)
const calls = async (): Promise<CatalogTable | undefined> =>
  (await catalog()).tables.find(({ name }) => name === 'calls')

function opened(location: () => SchemaLocation): void {
  beforeAll(async () => {
    database = await openDatabase(location())
    connection = await database.connect({ signal })
  })
  beforeEach(() => connection.exec(script))
  afterAll(async () => {
    await connection[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })
}

const key = {
  name: 'of_caller',
  columns: ['caller_id'],
  references: { table: 'callers', columns: ['id'] },
  onDelete: 'cascade',
}

function sharedTests(): void {
  it('sets the version of rows that have another one', async () => {
    await run((steps) => setRowVersion(steps, 'calls', 2, { where: 'id < 3' }))
    const rows = await connection.query('SELECT id, schema_version FROM calls ORDER BY id')
    expect(rows.map((row) => row.schema_version)).toEqual([2, 2, 2, 2])
  })

  it('lets a column have no NULL, filled or refused with the keys, and lets it again', async () => {
    await expect(run((steps) => addNotNull(steps, 'calls', 'status'))).rejects.toMatchObject({
      code: 'CONDITION_FAILED',
      message: expect.stringContaining('NULL in 2 rows (id 2, id 3)'),
    })
    await run((steps) => addNotNull(steps, 'calls', 'status', { fill: "it's" }))
    const column = (await calls())?.columns.find(({ name }) => name === 'status')
    expect(column).toMatchObject({ isNullable: false, default: expect.stringContaining("'new'") })
    expect((await calls())?.checks).toEqual([])
    const rows = await connection.query('SELECT status FROM calls ORDER BY id')
    expect(rows.map(({ status }) => status)).toEqual(['done', "it's", "it's", 'new'])
    await run((steps) => addNotNull(steps, 'calls', 'status'))
    await run((steps) => dropNotNull(steps, 'calls', 'status'))
    expect((await calls())?.columns.find(({ name }) => name === 'status')?.isNullable).toBe(true)
    await expect(run((steps) => addNotNull(steps, 'calls', 'nothing'))).rejects.toMatchObject({ code: 'NAME_UNKNOWN' })
  })

  it('adds a foreign key, refuses rows without a parent, and drops it', async () => {
    await expect(run((steps) => addForeignKey(steps, 'calls', key))).rejects.toMatchObject({
      code: 'FOREIGN_KEY_BROKEN',
      message: expect.stringContaining('1 row (id 3 caller_id 7)'),
    })
    await connection.run('DELETE FROM calls WHERE id = 3')
    await run((steps) => addForeignKey(steps, 'calls', key))
    expect((await calls())?.foreignKeys).toEqual([
      expect.objectContaining({ name: 'of_caller', onDelete: 'cascade', isValid: true }),
    ])
    await run((steps) => addForeignKey(steps, 'calls', key))
    const other = { ...key, onDelete: 'restrict' }
    await expect(run((steps) => addForeignKey(steps, 'calls', other))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await run((steps) => dropForeignKey(steps, 'calls', 'of_caller'))
    expect((await calls())?.foreignKeys).toEqual([])
    const loose = {
      ...key,
      name: 'loose',
      columns: ['schema_version'],
      references: { table: 'calls', columns: ['status'] },
    }
    await expect(run((steps) => addForeignKey(steps, 'calls', loose))).rejects.toThrow(
      'neither its primary key nor unique',
    )
  })

  it('keeps rows in an archive, and makes another one the next time', async () => {
    await run((steps) => archiveTable(steps, 'calls', { where: 'id > 1' }))
    await run((steps) => archiveTable(steps, 'calls'))
    await run((steps) => archiveTable(steps, 'calls', { to: 'old_calls' }))
    expect(notes).toEqual(['4 rows of calls are kept in old_calls.'])
    const counted = await connection.query(
      'SELECT (SELECT count(*) FROM calls_archive_003) AS a, (SELECT count(*) FROM calls_archive_003_2) AS b',
    )
    expect(counted).toEqual([{ a: 3, b: 4 }])
    await expect(run((steps) => archiveTable(steps, 'calls', { to: 'old_calls' }))).rejects.toThrow('old_calls')
  })
}

describe('small changes in SQLite', () => {
  opened(() => ':memory:')
  sharedTests()

  it('builds an index once, and refuses another one of its name', async () => {
    const index = { name: 'by_status', columns: ['status', { sql: 'lower(status)' }], where: 'id > 1' }
    await run((steps) => concurrentIndex(steps, 'calls', index))
    await run((steps) => concurrentIndex(steps, 'calls', index))
    expect((await calls())?.indexes.map(({ name }) => name)).toEqual(['by_status'])
    const other = { ...index, where: 'id > 2' }
    await expect(run((steps) => concurrentIndex(steps, 'calls', other))).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })

  it('keeps how values are stored in an archive', async () => {
    await connection.exec(
      "CREATE TABLE odd (a ANY, t TEXT) STRICT; INSERT INTO odd VALUES ('45', '007'), (45, ''), (x'00', NULL), (1.0, 'a')",
    )
    await run((steps) => archiveTable(steps, 'odd', { to: 'odd_kept' }))
    const kinds = 'SELECT typeof(a) AS a, hex(a) AS bytes, typeof(t) AS t FROM'
    expect(await connection.query(`${kinds} odd_kept`)).toEqual(await connection.query(`${kinds} odd`))
  })
})

describePostgres('small changes in PostgreSQL', () => {
  const server = useDatabase()
  opened(() => server.url)
  sharedTests()

  it('validates outside of a transaction, and goes on with what a kill has left', async () => {
    await connection.exec("UPDATE calls SET status = 'x', caller_id = 1")
    await connection.exec('ALTER TABLE calls ADD CONSTRAINT calls_status_not_null CHECK (status IS NOT NULL) NOT VALID')
    await connection.exec(
      'ALTER TABLE calls ADD CONSTRAINT of_caller FOREIGN KEY (caller_id) REFERENCES callers ON DELETE CASCADE NOT VALID',
    )
    await run((steps) => addNotNull(steps, 'calls', 'status'), 'none')
    await run((steps) => addForeignKey(steps, 'calls', key), 'none')
    expect(await calls()).toMatchObject({ checks: [], foreignKeys: [{ name: 'of_caller', isValid: true }] })
    expect((await calls())?.columns.find(({ name }) => name === 'status')?.isNullable).toBe(false)
  })

  describe('concurrentIndex', () => {
    const index = {
      name: 'by_status',
      columns: ['status', { sql: 'lower(status)' }],
      where: "status IN ('new', 'done')",
      include: ['caller_id'],
    }

    it('builds an index, and is content with the same one', async () => {
      await run((steps) => concurrentIndex(steps, 'calls', index), 'none')
      const [first] = await connection.query("SELECT 'by_status'::regclass::oid::int8 AS id")
      await run((steps) => concurrentIndex(steps, 'calls', index), 'none')
      expect(await connection.query("SELECT 'by_status'::regclass::oid::int8 AS id")).toEqual([first])
      expect((await calls())?.indexes).toMatchObject([{ name: 'by_status', isValid: true, include: ['caller_id'] }])
    })

    it.each([
      ['another predicate', { where: "status IN ('new')" }],
      ['uniqueness', { unique: true }],
      ['another column', { columns: ['id'] }],
    ])('refuses one of its name with %s', async (_, change) => {
      await run((steps) => concurrentIndex(steps, 'calls', index), 'none')
      const failure = run((steps) => concurrentIndex(steps, 'calls', { ...index, ...change }), 'none')
      await expect(failure).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining('by_status'),
      })
    })

    it('refuses the name of an index of another table', async () => {
      await connection.exec('CREATE INDEX by_status ON callers (phone)')
      await expect(run((steps) => concurrentIndex(steps, 'calls', index), 'none')).rejects.toThrow('another one')
    })

    it('drops what a failed attempt has left, and builds it anew', async () => {
      const unique = { name: 'one_status', columns: ['schema_version'], unique: true }
      const first = run((steps) => concurrentIndex(steps, 'calls', unique), 'none')
      await expect(first).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
      expect((await calls())?.indexes).toMatchObject([{ name: 'one_status', isValid: false }])
      await connection.exec('UPDATE calls SET schema_version = id')
      await run((steps) => concurrentIndex(steps, 'calls', unique), 'none')
      expect((await calls())?.indexes).toMatchObject([{ name: 'one_status', isValid: true, isUnique: true }])
      expect(notes.join()).toContain('was invalid')
    })

    it('is refused in a transaction, when it is planned and when it runs, with the remedy', async () => {
      const remedy = { code: 'REVISION_INVALID', message: expect.stringContaining("transaction: 'none'") }
      await expect(run((steps) => concurrentIndex(steps, 'calls', index))).rejects.toMatchObject(remedy)
      const preview = new PreviewSteps({ dialect: 'postgres' })
      await expect(concurrentIndex(preview, 'calls', index)).rejects.toMatchObject(remedy)
    })
  })

  it('is previewed as the statements that it runs', async () => {
    const preview = new PreviewSteps({ dialect: 'postgres' })
    await addNotNull(preview, 'calls', 'status', { fill: 'x' })
    await addForeignKey(preview, 'calls', key)
    expect(preview.recorded.map((step) => (step.kind === 'sql' ? step.sql : step.kind))).toEqual([
      `UPDATE "calls" SET "status" = 'x' WHERE "status" IS NULL`,
      'ALTER TABLE "calls" ADD CONSTRAINT "calls_status_not_null" CHECK ("status" IS NOT NULL) NOT VALID',
      'ALTER TABLE "calls" VALIDATE CONSTRAINT "calls_status_not_null"',
      'ALTER TABLE "calls" ALTER COLUMN "status" SET NOT NULL',
      'ALTER TABLE "calls" DROP CONSTRAINT "calls_status_not_null"',
      'ALTER TABLE "calls" ADD CONSTRAINT "of_caller" FOREIGN KEY ("caller_id") REFERENCES "callers" ("id") ON DELETE CASCADE NOT VALID',
      'ALTER TABLE "calls" VALIDATE CONSTRAINT "of_caller"',
    ])
  })
})
