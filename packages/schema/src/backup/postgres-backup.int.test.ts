import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import { createDatabase, type Database } from '@drover-internal/postgres-server'
import { describePostgres, serverUrl } from '@drover-internal/postgres-server/vitest'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareCatalogs } from '../catalog/compare-catalogs.js'
import { backup } from './backup.js'
import { contentDifferences } from './contents.js'
import { pgDumpVersion, withoutPassword } from './pg-dump.js'
import { restore } from './restore.js'
import { verifyBackup } from './verify-backup.js'

const hasPgDump = (await pgDumpVersion()) !== null
if (!hasPgDump) console.warn('There is no pg_dump: its tests are skipped, and those of our own dump are run.')

const script = `
CREATE SCHEMA chat;
CREATE TYPE mood AS ENUM ('good', 'it''s bad');
CREATE SEQUENCE tickets START 7 INCREMENT 3;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := '2025-01-01'; RETURN NEW; END $$;
CREATE TABLE calls (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 5) PRIMARY KEY, call_id varchar(255) NOT NULL CONSTRAINT one_call UNIQUE, mood mood DEFAULT 'good',
  cost numeric(10,2) CHECK (cost >= 0), ticket integer DEFAULT nextval('tickets'), number serial, label text COLLATE "C",
  twice numeric GENERATED ALWAYS AS (cost * 2) STORED, took interval, ratio double precision, raw bytea, updated_at timestamptz DEFAULT now()
);
COMMENT ON TABLE calls IS 'every call; it''s said';
CREATE TABLE chat."Odd Messages" (id integer PRIMARY KEY, call_id varchar(255) REFERENCES calls (call_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, body jsonb);
CREATE TABLE nothing ();
ALTER TABLE chat."Odd Messages" ADD CONSTRAINT later CHECK (body IS NOT NULL) NOT VALID;
CREATE INDEX by_cost ON calls (cost DESC NULLS LAST, lower(label)) INCLUDE (number) WHERE cost > 1;
CREATE VIEW cheap AS SELECT c.call_id, m.body FROM calls c JOIN chat."Odd Messages" m USING (call_id) WHERE c.cost < 1;
CREATE MATERIALIZED VIEW cheapest AS SELECT call_id FROM cheap;
CREATE TRIGGER touched BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO calls (call_id, cost, label, took, ratio, raw) SELECT 'c' || n, n / 100.0, CASE n % 4 WHEN 0 THEN E'tab\\tline\\nback\\\\ \\\\.' WHEN 1 THEN '' WHEN 2 THEN NULL ELSE 'ü' END,
  make_interval(secs => n), 1.0 / n, decode(lpad(to_hex(n), 4, '0'), 'hex') FROM generate_series(1, 500) AS n;
INSERT INTO chat."Odd Messages" SELECT n, 'c' || n, '{"a": [1, null]}' FROM generate_series(1, 300) AS n;
REFRESH MATERIALIZED VIEW cheapest;
`

let folder = ''
let database: Database
let empty: Database

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!DroverError.isInstance(error)) throw error ?? new Error('It did not fail.')
  return { code: error.code, message: error.message }
}

describePostgres('a backup of PostgreSQL', () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drover-backup-'))
    database = await createDatabase(serverUrl())
    empty = await createDatabase(serverUrl())
    await database.query(script)
  })
  afterEach(async () => {
    rmSync(folder, { recursive: true })
    await database[Symbol.asyncDispose]()
    await empty[Symbol.asyncDispose]()
  })

  const tools = [...(hasPgDump ? (['pg_dump'] as const) : []), 'drover' as const]
  describe.each(tools)('by %s', (tool) => {
    it('comes back with the same schema, rows and sequences in an empty database, and in its own place', async () => {
      const { path, manifest } = await backup({ connection: database.url, folder, tool })
      expect(manifest.tool).toContain(tool)
      expect(manifest.tables.map(({ name, rows }) => [name, rows])).toEqual([
        ['public.calls', 500],
        ['chat.Odd Messages', 300],
        ['public.nothing', 0],
      ])
      expect(manifest.sequences).toContainEqual({ name: 'public.tickets', value: '1504', isCalled: true })
      await verifyBackup(path)
      const restored = await restore({ connection: empty.url, folder, backup: path })
      expect(restored.kept).toBe(null)
      expect(await empty.query('SELECT call_id, twice::text, label FROM calls WHERE id = 8')).toEqual([
        { call_id: 'c4', twice: '0.08', label: 'tab\tline\nback\\ \\.' },
      ])
      // What comes next has the next numbers.
      expect(await empty.query(`INSERT INTO calls (call_id) VALUES ('new') RETURNING id::int, ticket`)).toEqual([
        { id: 505, ticket: 1507 },
      ])
      expect(await empty.query('SELECT count(*)::int AS n FROM cheapest')).toEqual([{ n: 99 }])
      await database.query(
        `DROP TABLE chat."Odd Messages" CASCADE; DELETE FROM calls WHERE id > 10; ALTER TABLE calls RENAME TO was`,
      )
      const own = { connection: database.url, folder, backup: 'latest' }
      expect(await failure(restore(own))).toMatchObject({ code: 'LOSS_REFUSED' })
      const { kept } = await restore({ ...own, replace: true })
      expect(kept).toMatch(/\.before-restore_\d{8}_\d{6}\.sql$/)
      expect(await database.query('SELECT count(*)::int AS n FROM calls')).toEqual([{ n: 500 }])
      const again = await backup({ connection: database.url, folder, tool })
      expect(contentDifferences(manifest.tables, again.manifest.tables)).toEqual([])
      expect(compareCatalogs(manifest.catalog, again.manifest.catalog)).toEqual([])
    })
  })

  it('is of one moment while others write', async () => {
    const client = new pg.Client(database.url)
    await client.connect()
    let written = 0
    let isGoing = true
    const writing = (async () => {
      for (; isGoing; written++) await client.query(`INSERT INTO calls (call_id) VALUES ($1)`, [`late ${written}`])
    })()
    const { manifest } = await backup({ connection: database.url, folder })
    isGoing = false
    await writing
    await client.end()
    expect(written).toBeGreaterThan(0)
    expect(manifest.tables[0]?.rows).toBeGreaterThanOrEqual(500)
  })

  it('is refused when it was cut off or changed, and when it is one of another database', async () => {
    const { path } = await backup({ connection: database.url, folder, tool: 'drover' })
    const text = readFileSync(path, 'utf8')
    await empty.query('CREATE TABLE mine (id int)')
    expect(await failure(restore({ connection: empty.url, folder, backup: path, replace: true }))).toMatchObject({
      code: 'BACKUP_INVALID',
      message: /of another database/,
    })
    truncateSync(path, text.length - 100)
    expect(await failure(verifyBackup(path))).toMatchObject({ code: 'BACKUP_INVALID', message: /bytes instead of/ })
    writeFileSync(path, text.replace('c77\t', 'c78\t'))
    expect(await failure(verifyBackup(path))).toMatchObject({ code: 'BACKUP_INVALID', message: /SHA-256/ })
    expect(await failure(restore({ connection: database.url, folder, backup: 'latest', replace: true }))).toMatchObject(
      {
        code: 'BACKUP_INVALID',
      },
    )
    expect(await database.query('SELECT count(*)::int AS n FROM calls')).toEqual([{ n: 500 }])
  })

  it('says what it cannot carry without pg_dump, and keeps nothing', async () => {
    await database.query('CREATE DOMAIN short AS text CHECK (length(VALUE) < 5)')
    const { code, message } = await failure(backup({ connection: database.url, folder, tool: 'drover' }))
    expect(code).toBe('BACKUP_INVALID')
    expect(message).toContain('domain public.short')
    expect(existsSync(join(folder, '*.json'))).toBe(false)
    const pool = new pg.Pool({ connectionString: database.url })
    expect(await failure(backup({ connection: { postgres: pool }, folder, tool: 'pg_dump' }))).toMatchObject({
      code: 'OPTION_INVALID',
      message: /as a pool/,
    })
    await pool.end()
  })

  it('leaves everything as it was when somebody else has a lock, or something fails on the way', async () => {
    const { path } = await backup({ connection: database.url, folder })
    const asked = { connection: empty.url, folder, backup: path, force: true, replace: true, keep: false }
    await restore(asked)
    const other = new pg.Client({ connectionString: empty.url, application_name: 'the dashboard' })
    other.on('error', () => {})
    await other.connect()
    await other.query('DELETE FROM chat."Odd Messages"; BEGIN; SELECT count(*) FROM calls')
    expect(await failure(restore({ ...asked, lockTimeoutMs: 200 }))).toMatchObject({
      code: 'STORE_BUSY',
      message: expect.stringMatching(/the dashboard from .* idle in transaction/),
    })
    expect((await other.query('SELECT count(*)::int AS n FROM chat."Odd Messages"')).rows).toEqual([{ n: 0 }])
    const { notes } = await restore({ ...asked, terminate: true })
    expect(notes).toEqual([expect.stringMatching(/sessions of others/)])
    await other.end().catch(() => {})
    expect(await empty.query('SELECT count(*)::int AS n FROM chat."Odd Messages"')).toEqual([{ n: 300 }])
  })
})

it('gives pg_dump no password on its command line', () => {
  expect(withoutPassword('postgres://ann:s%40cret@db.example.org:5433/calls?sslmode=no-verify&max=3')).toEqual({
    address: 'postgres://ann@db.example.org:5433/calls?sslmode=require',
    variables: { PGPASSWORD: 's@cret' },
  })
  expect(withoutPassword('postgresql://db/calls?user=ann&password=x')).toEqual({
    address: 'postgresql://db/calls?user=ann',
    variables: { PGPASSWORD: 'x' },
  })
})
