import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { restore } from '../backup/restore.js'
import { verifyBackup } from '../backup/verify-backup.js'
import { recordBaseline } from '../baseline/record-baseline.js'
import type { Migration } from '../contracts/migration.js'
import { createMigrator } from './create-migrator.js'
import { describeBoth } from './testing/both-databases.js'

const migrations: readonly Migration[] = [
  {
    id: '001_calls',
    up: async ({ sql }) => {
      await sql('CREATE TABLE calls (id integer PRIMARY KEY, phone text)')
      await sql('CREATE INDEX by_phone ON calls (phone)')
    },
  },
  {
    id: '002_no_index',
    dependsOn: '001_calls',
    assured: { 'index-dropped-not-concurrently': 'a test' },
    up: async ({ sql }) => {
      await sql('DROP INDEX by_phone')
    },
    down: async ({ sql }) => {
      await sql('CREATE INDEX by_phone ON calls (phone)')
    },
  },
]

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-safe-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describeBoth('up with backup and verify', (store) => {
  it('backs up before the first revision, and finds behind the last one what has become worse; the backup brings it back', async () => {
    const baseline = join(folder, 'baseline.json')
    const backups = join(folder, 'backups')
    const of = { connection: store().location, migrations, backups, baseline }
    const postgres = store().dialect === 'postgres'
    {
      await using migrator = createMigrator(of)
      // There is no baseline yet.
      const first = await migrator.up({ to: '001', backup: true, verify: true })
      expect((await verifyBackup(first.backup ?? '')).manifest.heads).toEqual([])
      expect((await migrator.up({ to: '001', backup: true })).backup).toBe(undefined)
      const numbers = postgres
        ? 'SELECT n, n FROM generate_series(1, 3000) AS s(n)'
        : 'WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 3000) SELECT n, n FROM s'
      await store().exec(`INSERT INTO calls ${numbers}; ANALYZE`)
      const queries = join(folder, 'queries.sql')
      writeFileSync(queries, `-- name: one_phone\nSELECT * FROM calls WHERE phone = '77'`)
      await recordBaseline({ connection: store().location, queries, to: baseline })
      const failed = await migrator.up({ backup: true, verify: true }).catch((error: unknown) => error)
      expect(DroverError.isInstance(failed, 'BASELINE_WORSE') ? failed.message : failed).toContain('by_phone')
      expect((await migrator.status()).current).toEqual(['002_no_index'])
      await migrator.down({ to: '001', backup: join(folder, 'other') })
      await migrator.up({ allow: [] })
    }
    await store()[Symbol.asyncDispose]()
    await restore({ connection: store().location, folder: backups, backup: 'latest', replace: true })
    await using migrator = createMigrator(of)
    expect((await migrator.status()).current).toEqual(['001_calls'])
    expect((await migrator.up({ to: '001', verify: true })).revisions).toEqual([])
  })
})
