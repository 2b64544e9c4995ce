import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, type Database } from '@drover-internal/postgres-server'
import { serverUrl } from '@drover-internal/postgres-server/vitest'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openDatabase } from '../database/open-database.js'
import { createMigrator, migratorOn } from './create-migrator.js'
import { BundledProgram } from './testing/bundled-program.js'
import { Instance } from './testing/instance.js'
import { survivors, watched } from './testing/survivors.js'

const hasPostgres = inject('postgres') !== null
const all = survivors.map(({ id }) => id)

/** What the revisions have left behind, if each of them was done once. */
async function expectDoneOnce(location: string): Promise<void> {
  await using database = await openDatabase(location)
  const ask = (sql: string) => database.query(sql, [], { signal: new AbortController().signal })
  expect(await ask('SELECT step FROM ran ORDER BY step')).toEqual([{ step: '001' }, { step: '003a' }, { step: '003b' }])
  expect(await ask('SELECT step FROM marks')).toEqual([{ step: '002a' }])
  for (const name of ['a', 'b', 'c'])
    expect(await ask(`SELECT step FROM light_${name}`)).toEqual([{ step: `004${name}` }])
  expect(await ask('SELECT id, n FROM items ORDER BY id')).toEqual([1, 2, 3, 4].map((id) => ({ id, n: 1 })))
  expect(await ask('SELECT revision, status FROM drover_migrations ORDER BY revision')).toEqual(
    all.map((revision) => ({ revision, status: 'applied' })),
  )
}

/** What a migrator that applies all of it does, in order. */
async function callsOf(location: string): Promise<readonly string[]> {
  const calls: string[] = []
  await using whole = migratorOn({ migrations: survivors }, async () =>
    watched(await openDatabase(location), (name) => {
      calls.push(name)
    }),
  )
  await whole.ensure({ mode: 'apply' })
  await expectDoneOnce(location)
  return calls
}

describe('instances that start together', () => {
  const databases: Database[] = []
  let folder = ''

  let program: BundledProgram

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drover-together-'))
    program = await BundledProgram.of(join(import.meta.dirname, 'testing/ensure.child.ts'))
  })

  afterAll(async () => {
    program[Symbol.dispose]()
    rmSync(folder, { recursive: true })
    for (const database of databases) await database[Symbol.asyncDispose]()
  })

  async function emptyPostgres(): Promise<string> {
    const database = await createDatabase(serverUrl())
    databases.push(database)
    return database.url
  }

  it('apply each revision once, on each kind of database, and those that wait find it done', {
    timeout: 120_000,
  }, async () => {
    const locations = [join(folder, 'six.db')]
    if (hasPostgres) locations.push(await emptyPostgres(), `pooler:${await emptyPostgres()}`)
    const instances = Array.from({ length: 6 }, () => new Instance(program.path))
    try {
      await Promise.all(instances.map((one) => one.ready()))
      for (const location of locations) {
        const said = await Promise.all(instances.map((one) => one.ensure(location)))
        const told = JSON.stringify(said)
        expect(
          said.filter((one) => one?.status === 'applied'),
          told,
        ).toHaveLength(1)
        expect(said.find((one) => one?.status === 'applied')?.revisions, told).toEqual(all)
        expect(
          said.every((one) => one?.again === 'nothing'),
          told,
        ).toBe(true)
        await expectDoneOnce(location.replace(/^pooler:/, ''))
      }
    } finally {
      for (const one of instances) await one[Symbol.asyncDispose]()
    }
  })

  it.each(['sqlite', 'postgres'])(
    'go on where one was killed, wherever that was: %s',
    { timeout: 120_000 },
    async (dialect) => {
      if (dialect === 'postgres' && !hasPostgres) return
      const fresh = (name: string): Promise<string> =>
        dialect === 'sqlite' ? Promise.resolve(join(folder, `${name}.db`)) : emptyPostgres()
      const calls = await callsOf(await fresh('model'))
      expect(calls.length).toBeGreaterThan(30)
      // Each place of death has a database of its own; the last ones are where light revisions go together.
      const most = dialect === 'sqlite' ? 7 : 5
      const places = Array.from({ length: most }, (_, i) => Math.ceil(((i + 1) * calls.length) / most) - 1)
      const killAndRecover = async (): Promise<void> => {
        for (let at = places.shift(); at !== undefined; at = places.shift()) {
          const location = await fresh(`killed-${at}`)
          await using instance = new Instance(program.path, at)
          await instance.ready()
          expect(await instance.ensure(location), `killed at ${at}`).toBeNull()
          expect(await instance.ended).toBe('SIGKILL')
          await using next = createMigrator({ connection: location, migrations: survivors })
          await next.ensure({ mode: 'apply' })
          await expectDoneOnce(location)
        }
      }
      await Promise.all([killAndRecover(), killAndRecover()])
    },
  )

  it.each(['sqlite', 'postgres'])(
    'go on where one sleeps, which writes nothing when it wakes: %s',
    { timeout: 60_000 },
    async (dialect) => {
      if (dialect === 'postgres' && !hasPostgres) return
      const fresh = (name: string): Promise<string> =>
        dialect === 'sqlite' ? Promise.resolve(join(folder, `${name}.db`)) : emptyPostgres()
      const calls = await callsOf(await fresh('awake'))
      // Within a transaction a sleeper has SQLite's only lock, which nobody can take from it.
      const place = calls.lastIndexOf(dialect === 'sqlite' ? 'begin' : 'statement') + 1
      const location = await fresh('asleep')
      await using sleeper = new Instance(program.path, place, 'SIGSTOP', 600)
      await sleeper.ready()
      expect(await sleeper.ensure(location)).toEqual({ status: 'stopped' })
      await using next = createMigrator({ connection: location, migrations: survivors })
      expect(await next.ensure({ mode: 'apply' })).toMatchObject({ status: 'applied' })
      await expectDoneOnce(location)
      const said = await sleeper.wake()
      expect(said?.status, JSON.stringify(said)).not.toBe('applied')
      await expectDoneOnce(location)
    },
  )
})
