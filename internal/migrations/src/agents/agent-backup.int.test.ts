import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createMigrator, listBackups, rehearse, restore, verifyBackup } from '@drover/schema'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { agentMigrations } from './agent-migrations.js'

let folder = ''
let filename = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'drover-agents-'))
  filename = path.join(folder, 'agent_database.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

function timeouts(): unknown {
  const database = new Database(filename, { readonly: true })
  try {
    return database
      .prepare("SELECT json_extract(agent_metadata, '$.timeout_seconds') FROM routers ORDER BY router_id")
      .pluck()
      .all()
  } finally {
    database.close()
  }
}

it("rolls the guide's promotion back, in part and at once: 45 comes back, and no constant", async () => {
  const backups = path.join(folder, 'backups')
  await using migrator = createMigrator({ connection: filename, migrations: agentMigrations, backups })
  await migrator.up({ to: '001_agent_tables' })
  // The application stays connected, and nothing of what it writes is in the file itself.
  const application = new Database(filename)
  application.pragma('journal_mode = WAL')
  application.pragma('wal_autocheckpoint = 0')
  const router = application.prepare(
    "INSERT INTO routers VALUES (?, 'active', 'gpt', 0.1, ?, 1, '2025-08-06 10:00:00.000001', NULL)",
  )
  for (const seconds of [45, 60]) router.run(`r${seconds}`, JSON.stringify({ timeout_seconds: seconds }))
  expect(timeouts()).toEqual([45, 60])

  const up = await migrator.up({ to: '004', backup: true, verify: true })
  const kept = await verifyBackup(up.backup ?? '')
  expect(kept.manifest.heads).toEqual(['001_agent_tables'])
  expect(kept.manifest.tables.find(({ name }) => name === 'routers')?.rows).toBe(2)
  const rehearsal = await rehearse({ from: kept.path, migrations: agentMigrations, to: '004' })
  expect([rehearsal.down?.heads, rehearsal.notRestored]).toEqual([['001_agent_tables'], []])
  expect(timeouts()).toEqual([null, null])
  await migrator.down({ to: '003_conversation_context' })
  expect(timeouts()).toEqual([45, 60])

  application.exec("UPDATE routers SET agent_metadata = '{}'")
  application.close()
  await migrator[Symbol.asyncDispose]()
  await restore({ connection: filename, folder: backups, backup: 'latest' })
  expect(timeouts()).toEqual([45, 60])
  expect((await migrator.status()).current).toEqual(['001_agent_tables'])
  expect(await listBackups(backups)).toHaveLength(1)
})
