import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { backup } from '../backup/backup.js'
import type { Migration } from '../contracts/migration.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { describeBoth } from '../migrator/testing/both-databases.js'
import { preflight } from '../preflight/preflight.js'
import { rehearse } from './rehearse.js'

const calls: readonly Migration[] = [
  {
    id: '001_base',
    up: async ({ sql }) => {
      await sql('CREATE TABLE calls (id integer PRIMARY KEY, status text)')
    },
    down: async ({ sql }) => {
      await sql('DROP TABLE calls')
    },
  },
  {
    id: '002_priority',
    dependsOn: '001_base',
    actions: ['tell the dashboard'],
    up: async ({ sql }) => {
      await sql('ALTER TABLE calls ADD COLUMN priority integer NOT NULL DEFAULT 0')
    },
    down: async ({ sql }) => {
      await sql('ALTER TABLE calls DROP COLUMN priority')
    },
  },
]

const careless: Migration = {
  id: '003_careless',
  dependsOn: '002_priority',
  assured: { 'rows-changed-at-once': 'there are two' },
  up: async ({ sql }) => {
    await sql(`UPDATE calls SET status = 'x'`)
  },
  down: async ({ sql }) => {
    await sql(`UPDATE calls SET status = 'open'`)
  },
}

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-rehearse-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describeBoth('a rehearsal', (store) => {
  const server = () => (store().dialect === 'postgres' ? { connection: store().location } : {})

  beforeEach(async () => {
    await using migrator = createMigrator({ connection: store().location, migrations: calls })
    await migrator.up({ to: '001' })
    await store().exec(`INSERT INTO calls VALUES (1, 'open'), (2, 'done')`)
  })

  it('applies revisions to a copy of a backup, takes them back and applies them again; the database stays as it is', async () => {
    const { path } = await backup({ connection: store().location, folder })
    const report = await rehearse({ from: path, migrations: calls, ...server() })
    expect(report.up.revisions.map(({ id }) => id)).toEqual(['002_priority'])
    expect(report.down?.revisions.map(({ id }) => id)).toEqual(['002_priority'])
    expect(report.again?.heads).toEqual(['002_priority'])
    expect(report).toMatchObject({ irreversible: null, notRestored: [], losses: [] })
    expect(report.up.revisions[0]?.durationMs).toBeGreaterThan(0)
    expect(await store().query('SELECT * FROM calls ORDER BY id')).toEqual([
      { id: 1, status: 'open' },
      { id: 2, status: 'done' },
    ])
    if (store().dialect === 'postgres')
      expect(await store().query(`SELECT datname FROM pg_database WHERE datname LIKE 'drover_rehearsal_%'`)).toEqual([])
    expect(readdirSync(folder).filter((name) => name.endsWith('.rehearsal.json'))).toHaveLength(1)
  })

  it('finds a way back that does not lead back, revisions that fail, and those without one', async () => {
    const { path } = await backup({ connection: store().location, folder })
    const lossy = await rehearse({ from: path, migrations: [...calls, careless], ...server() })
    expect(lossy.notRestored).toEqual([expect.stringMatching(/calls has other values in its 2 rows/)])
    const broken: Migration = {
      id: '003_broken',
      dependsOn: '002_priority',
      up: async ({ sql }) => {
        await sql('INSERT INTO nowhere VALUES (1)')
      },
    }
    const failing = rehearse({ from: path, migrations: [...calls, broken], ...server() })
    await expect(failing).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
    const { down: _, ...oneWay } = careless
    const irreversible = await rehearse({ from: path, migrations: [...calls, oneWay], ...server() })
    expect(irreversible).toMatchObject({
      down: null,
      again: null,
      irreversible: expect.stringContaining('003_careless'),
    })
  })

  it('is what the checklist asks for, besides a backup that is fresh and whole', async () => {
    const asked = { connection: store().location, migrations: calls, folder }
    const statuses = async (options = asked): Promise<Record<string, string>> =>
      Object.fromEntries((await preflight(options)).items.map(({ name, status }) => [name, status]))
    expect(await statuses()).toMatchObject({ backup: 'failed', rehearsed: 'failed', rollback: 'ok', actions: 'ask' })
    const { path } = await backup({ connection: store().location, folder })
    expect(await statuses()).toMatchObject({ backup: 'ok', rehearsed: 'failed' })
    await rehearse({ from: path, migrations: calls, ...server() })
    expect(await statuses()).toMatchObject({
      ...{ backup: 'ok', rehearsed: 'ok', rollback: 'ok', previewed: 'ok', losses: 'ok', compatibility: 'ok' },
      ...{ actions: 'ask', baseline: 'ask', whole: 'ok', space: 'ok', transactions: 'ok' },
      ...{ window: 'ask', monitoring: 'ask', team: 'ask' },
    })
    const confirmed = ['actions', 'baseline', 'window', 'monitoring', 'team']
    expect((await preflight({ ...asked, confirmed })).isReady).toBe(true)
    expect((await preflight({ ...asked, confirmed: confirmed.slice(1) })).isReady).toBe(false)
    const wrong = await preflight({ ...asked, confirmed: ['weather'] }).catch((error: unknown) => error)
    expect(DroverError.isInstance(wrong, 'OPTION_INVALID')).toBe(true)
    // An edited revision was not rehearsed; an old backup, or one of another state, is none.
    const [base, priority] = calls as [Migration, Migration]
    const edited: Migration = {
      ...priority,
      up: async ({ sql }) => void (await sql('ALTER TABLE calls ADD COLUMN p int')),
    }
    expect(await statuses({ ...asked, migrations: [base, edited] })).toMatchObject({
      backup: 'ok',
      rehearsed: 'failed',
    })
    expect((await preflight({ ...asked, backupMaxAgeMs: 0 })).items[0]).toMatchObject({ status: 'failed' })
    const oneWay: Migration = {
      id: '002_drop',
      dependsOn: '001_base',
      breaking: true,
      up: async ({ sql }) => void (await sql('DROP TABLE calls')),
    }
    expect(await statuses({ ...asked, migrations: [base, oneWay] })).toMatchObject({
      ...{ rollback: 'ask', previewed: 'failed', losses: 'ask', compatibility: 'ask' },
    })
  })
})
