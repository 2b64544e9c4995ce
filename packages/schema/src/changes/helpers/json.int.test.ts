import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { SchemaConnection, SchemaDatabase } from '../../contracts/database.js'
import type { SchemaLocation } from '../../contracts/migrator.js'
import type { PromoteJson } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { openDatabase } from '../../database/open-database.js'
import { LiveSteps } from '../../steps/live-steps.js'
import { recordMigration } from '../../steps/record-migration.js'
import { demoteJson } from './demote-json.js'
import { addJsonAttribute, removeJsonAttribute } from './json-attribute.js'
import { promoteJson } from './promote-json.js'

const { signal } = new AbortController()
let database: SchemaDatabase
let connection: SchemaConnection
const notes: string[] = []

/** By key: what is in `agent_metadata`. */
const contents: Readonly<Record<string, string | null>> = {
  a: '{"model": "x", "timeout_seconds": 45}',
  b: null,
  c: 'null',
  d: '{bad',
  e: '"abc"',
  f: '45',
  g: '{"timeout_seconds":"45"}',
  h: '{"timeout_seconds": 4.5}',
  i: '{"timeout_seconds": {"s": 45}}',
  j: '{"timeout_seconds": null}',
  k: '{"model":"k"}',
  l: '{"timeout_seconds": 300}',
}
const promotion: PromoteJson = {
  table: 'routers',
  column: 'agent_metadata',
  path: '$.timeout_seconds',
  to: { name: 'timeout_seconds', type: 'integer', default: 300 },
}

async function run<Result>(work: (steps: Steps) => Promise<Result>): Promise<Result> {
  notes.length = 0
  const logger = { info: (said: string) => notes.push(said), warn() {}, error() {}, debug() {} }
  await connection.begin()
  try {
    const result = await work(new LiveSteps({ connection, signal, logger }))
    await connection.commit()
    return result
  } finally {
    await connection.rollback()
  }
}

const place = (at: number): string => (connection.dialect === 'sqlite' ? '?' : `$${at}`)

async function column(name: string): Promise<Record<string, string | null>> {
  const rows = await connection.query(
    `SELECT router_id, CAST(${name} AS text) AS value FROM routers ORDER BY router_id`,
  )
  return Object.fromEntries(
    rows.map(({ router_id, value }) => [String(router_id), value === null ? null : String(value)]),
  )
}

/** Spaces of json do not count. */
const plain = (values: Record<string, string | null>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value).replaceAll(/\s/g, '')]))

async function fill(type: string, skipped: readonly string[] = []): Promise<void> {
  await connection.exec(
    'DROP TABLE IF EXISTS routers; DROP TABLE IF EXISTS drover_kept_routers_timeout_seconds; DROP TABLE IF EXISTS drover_kept_routers_agent_metadata_timeout_seconds_before',
  )
  await connection.exec(`CREATE TABLE routers (router_id varchar(32) PRIMARY KEY, agent_metadata ${type})`)
  for (const [key, value] of Object.entries(contents)) {
    if (skipped.includes(key)) continue
    await connection.run(`INSERT INTO routers VALUES (${place(1)}, ${place(2)})`, [key, value])
  }
}

function sharedTests(type: string, skipped: readonly string[] = []): void {
  beforeEach(() => fill(type, skipped))

  it('promotes what fits, lists what does not, and goes back without a trace', async () => {
    const before = await column('agent_metadata')
    const { promoted, kept } = await run((steps) => promoteJson(steps, promotion))
    expect(promoted).toBe(2)
    const malformed = skipped.length === 0 ? 1 : 0
    expect(kept).toEqual({ malformed, null: 1, 'json-null': 1, 'wrong-type': 6, missing: 1 })
    expect(notes.join('\n')).toContain('json-null 1 row (router_id c)')
    expect(notes.join('\n')).toContain('wrong-type 6 rows (router_id e, router_id f,')
    const values = await column('timeout_seconds')
    expect(values).toMatchObject({ a: '45', b: '300', g: '300', k: '300', l: '300' })
    const promotedJson = await column('agent_metadata')
    expect(plain(promotedJson)).toMatchObject({ a: '{"model":"x"}', l: '{}' })
    expect({ ...promotedJson, a: '', l: '' }).toEqual({ ...before, a: '', l: '' })

    await run((steps) => demoteJson(steps, promotion))
    const after = await column('agent_metadata')
    expect(plain(after)).toEqual(plain(before))
    expect({ ...after, a: '', l: '' }).toEqual({ ...before, a: '', l: '' })
    const [tables, name] = connection.dialect === 'sqlite' ? ['sqlite_schema', 'name'] : ['pg_tables', 'tablename']
    expect(await connection.query(`SELECT ${name} FROM ${tables} WHERE ${name} LIKE 'drover_kept%'`)).toEqual([])
  })

  it('takes what was written meanwhile into the json', async () => {
    await run((steps) => promoteJson(steps, promotion))
    const written = { a: '46', b: '47', c: '48', g: '49', k: 'NULL', l: 'NULL' }
    for (const [key, value] of Object.entries(written))
      await connection.run(`UPDATE routers SET timeout_seconds = ${value} WHERE router_id = '${key}'`)
    await connection.exec("INSERT INTO routers VALUES ('m', NULL, 50), ('n', '{}', 300)")
    await run((steps) => demoteJson(steps, promotion))
    expect(plain(await column('agent_metadata'))).toMatchObject({
      a: '{"model":"x","timeout_seconds":46}',
      b: '{"timeout_seconds":47}',
      c: '{"timeout_seconds":48}',
      g: '{"timeout_seconds":49}',
      h: '{"timeout_seconds":4.5}',
      k: '{"model":"k"}',
      l: '{}',
      m: '{"timeout_seconds":50}',
      n: '{"timeout_seconds":300}',
    })
  })

  it('refuses to go back where a value has no place in the json', async () => {
    await run((steps) => promoteJson(steps, promotion))
    await connection.run("UPDATE routers SET timeout_seconds = 7 WHERE router_id = 'e'")
    const failure = run((steps) => demoteJson(steps, promotion))
    await expect(failure).rejects.toMatchObject({
      code: 'LOSS_REFUSED',
      message: expect.stringContaining('router_id e'),
    })
    expect(await column('timeout_seconds')).toMatchObject({ a: '45', e: '7' })
  })

  it('gives the others another value, and leaves the attribute in the json if it is asked', async () => {
    const before = await column('agent_metadata')
    const options: PromoteJson = { ...promotion, otherwise: -1, remove: false }
    await run((steps) => promoteJson(steps, options))
    expect(await column('timeout_seconds')).toMatchObject({ a: '45', b: '-1', e: '-1', l: '300' })
    expect(await column('agent_metadata')).toEqual(before)
    await run((steps) => demoteJson(steps, options))
    expect(await column('agent_metadata')).toEqual(before)
  })

  it('says of json that has the attribute again what becomes of it', async () => {
    await run((steps) => promoteJson(steps, promotion))
    await connection.run(`UPDATE routers SET agent_metadata = '{"timeout_seconds": 60}' WHERE router_id = 'a'`)
    await run((steps) => demoteJson(steps, promotion))
    expect(plain(await column('agent_metadata'))).toMatchObject({ a: '{"timeout_seconds":45}' })
    expect(notes.join('\n')).toContain('had the attribute again')
  })

  it('promotes nested attributes, and keys with dots and quotes', async () => {
    await connection.run(`UPDATE routers SET agent_metadata = '{"z": 1, "a.b": {"c\\"d": 8}}' WHERE router_id = 'a'`)
    await connection.run(`UPDATE routers SET agent_metadata = '{"a.b": 5}' WHERE router_id = 'l'`)
    const before = await column('agent_metadata')
    const nested: PromoteJson = { ...promotion, path: '$."a.b"."c\\"d"', to: { name: 'deep', type: 'bigint' } }
    const { promoted, kept } = await run((steps) => promoteJson(steps, nested))
    expect(promoted).toBe(1)
    expect(kept).toMatchObject({ 'wrong-type': 3, missing: 5 })
    expect(await column('deep')).toMatchObject({ a: '8', l: null, k: null })
    await run((steps) => demoteJson(steps, nested))
    expect(plain(await column('agent_metadata'))).toEqual(plain(before))
  })

  it('adds an attribute where it is missing, and takes only that away', async () => {
    const before = await column('agent_metadata')
    const attribute = { table: 'routers', column: 'agent_metadata', path: '$.timeout_seconds', value: 300 }
    await expect(run((steps) => addJsonAttribute(steps, attribute))).rejects.toMatchObject({
      code: 'CONDITION_FAILED',
      message: expect.stringContaining('wrong-type 2 rows (router_id e, router_id f)'),
    })
    await run((steps) => addJsonAttribute(steps, { ...attribute, malformed: 'keep' }))
    const added = plain(await column('agent_metadata'))
    expect(added).toMatchObject({
      a: '{"model":"x","timeout_seconds":45}',
      b: '{"timeout_seconds":300}',
      c: '{"timeout_seconds":300}',
      e: '"abc"',
      j: '{"timeout_seconds":null}',
      k: '{"model":"k","timeout_seconds":300}',
    })
    const { value, ...back } = attribute
    await run((steps) => removeJsonAttribute(steps, { ...back, malformed: 'keep' }))
    expect(plain(await column('agent_metadata'))).toEqual(plain(before))
  })

  it('leaves what is NULL alone if it is asked', async () => {
    const attribute = { table: 'routers', column: 'agent_metadata', path: '$.limits.retries', value: { most: 3 } }
    await run((steps) => addJsonAttribute(steps, { ...attribute, malformed: 'keep', missing: 'keep' }))
    const added = plain(await column('agent_metadata'))
    expect(added).toMatchObject({ b: 'null', c: 'null' })
    expect(JSON.parse(added.k ?? '')).toEqual({ model: 'k', limits: { retries: { most: 3 } } })
  })

  it.each([
    ['text', 'text', '"x y"', 'x y'],
    ['a boolean', 'boolean', 'true', expect.stringMatching(/^(?:1|true)$/)],
    ['a double', 'double', '1', expect.stringMatching(/^1(?:\.0)?$/)],
    ['a decimal', 'decimal(9,2)', '1.50', expect.stringMatching(/^1\.50?$/)],
    ['json', 'json', '{"s":[45]}', expect.stringMatching(/^\{"s": ?\[45\]\}$/)],
    ['a time', 'timestamp', '"2024-02-03 04:05:06.5"', expect.stringContaining('2024-02-03 04:05:06.5')],
  ])('promotes %s and brings it back as it was', async (_, target, json, value) => {
    await connection.run(`UPDATE routers SET agent_metadata = '{"timeout_seconds": ${json}}' WHERE router_id = 'a'`)
    const before = await column('agent_metadata')
    const other: PromoteJson = { ...promotion, to: { name: 'value', type: target } }
    await run((steps) => promoteJson(steps, other))
    expect(await column('value')).toMatchObject({ a: value })
    await run((steps) => demoteJson(steps, other))
    expect(plain(await column('agent_metadata'))).toEqual(plain(before))
  })

  it('refuses what it cannot take back', async () => {
    const strict: PromoteJson = { ...promotion, to: { name: 'x', type: 'integer', nullable: false } }
    await expect(run((steps) => promoteJson(steps, strict))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(run((steps) => promoteJson(steps, { ...promotion, path: '$.a[0]' }))).rejects.toThrow('is no path')
    await expect(run((steps) => promoteJson(steps, { ...promotion, column: 'nothing' }))).rejects.toMatchObject({
      code: 'NAME_UNKNOWN',
    })
    await connection.exec('DROP TABLE IF EXISTS keyless; CREATE TABLE keyless (agent_metadata text)')
    await expect(run((steps) => promoteJson(steps, { ...promotion, table: 'keyless' }))).rejects.toThrow(
      'no primary key',
    )
  })
}

describe.each([
  ['better-sqlite3', 'TEXT'],
  ['sqlite3', 'JSON'],
] as const)('json in SQLite with %s: %s', (driver, type) => {
  opened(() => ({ filename: ':memory:', driver }))
  sharedTests(type)
})

describePostgres('json in PostgreSQL', () => {
  const server = useDatabase()
  opened(() => server.url)
  describe('text', () => sharedTests('text'))
  describe('json', () => sharedTests('json', ['d']))
  describe('jsonb', () => sharedTests('jsonb', ['d']))
})

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

it('is seen in a preview without a database, with its options', async () => {
  const up = async ({ schema }: { readonly schema: { promoteJson(options: PromoteJson): Promise<unknown> } }) =>
    void (await schema.promoteJson(promotion))
  const steps = await recordMigration({ id: '001', up }, 'up', 'postgres')
  expect(steps).toEqual([
    expect.objectContaining({ sql: 'ALTER TABLE "routers" ADD COLUMN "timeout_seconds" integer DEFAULT 300' }),
    expect.objectContaining({ kind: 'unseen', by: 'promoteJson routers.agent_metadata' }),
  ])
})
