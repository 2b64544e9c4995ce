import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createDatabase } from '@drover-internal/postgres-server'
import { describePostgres, serverUrl } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { startApplication } from './application.js'
import { makeMessages } from './messages-table.js'
import { tour } from './tour.js'

const rows = 6_000

describePostgres('an application that is operated over HTTP', () => {
  it('is looked at, slowed, paused, checked and taken back while it serves', { timeout: 60_000 }, async () => {
    await using database = await createDatabase(serverUrl())
    await makeMessages(database, rows)
    const deadLetters = await mkdtemp(path.join(tmpdir(), 'drover-operate-'))
    const release = { isMended: false }
    const said: string[] = []
    try {
      await using application = await startApplication({ connection: database.url, deadLetters, release })
      const mend = (): void => {
        release.isMended = true
      }
      const outcome = await tour({ url: application.url, mend, say: (text) => said.push(text) })
      const { dryRun, paused, stillPaused, refused, tokens, undone, notes, before, replayed, after } = outcome

      expect(dryRun.problems).toEqual([])
      expect(dryRun.count).toMatchObject({ value: rows })
      expect(paused.message).toContain('It is paused (the evening news)')
      expect(paused.counts.read).toBeLessThan(rows)
      expect(stillPaused.counts).toEqual(paused.counts)
      expect(tokens.counts).toMatchObject({ read: rows, updated: rows })
      expect(refused).toMatchObject({ status: 409 })
      expect(undone.account?.figures).toMatchObject({ restored: rows - 1, kept: 1 })
      expect(undone.account?.kept.map(({ key }) => key)).toEqual([[7]])
      expect(await database.query('SELECT id FROM messages WHERE token_count <> 0')).toEqual([{ id: '7' }])
      expect(notes.counts).toMatchObject({ written: rows - 6, rejected: 6 })
      expect([before.equal, before.missing]).toEqual([false, 6])
      expect(replayed.counts).toMatchObject({ written: 6, rejected: 0 })
      expect(after.equal).toBe(true)
    } finally {
      await rm(deadLetters, { recursive: true })
    }
  })
})
