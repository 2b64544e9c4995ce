import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createDatabase } from '@drover-internal/postgres-server'
import { describePostgres, serverUrl } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { type Outcome, walkthrough } from './walkthrough.js'

function expectPriority({ text, columns, again, backfilled, rows }: Outcome): void {
  expect(text).toContain('ix_calls_priority')
  const before = ['id', 'phone_number', 'status']
  expect(columns).toEqual([[...before, 'priority'], before, [...before, 'priority']])
  expect(again).toBe(0)
  expect(backfilled).toBe(1)
  expect(rows).toEqual([
    { id: 1, priority: 0 },
    { id: 2, priority: 10 },
  ])
}

it("goes the guide's way on SQLite", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'drover-add-priority-'))
  try {
    expectPriority(await walkthrough(path.join(folder, 'calls.db'), () => {}))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describePostgres('on PostgreSQL', () => {
  it("goes the guide's way", { timeout: 60_000 }, async () => {
    await using database = await createDatabase(serverUrl())
    expectPriority(await walkthrough(database.url, () => {}))
  })
})
