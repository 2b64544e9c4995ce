import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createDatabase } from '@drover-internal/postgres-server'
import { describePostgres, serverUrl } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { childProgram } from '../../tooling/child-program.js'
import { connect } from './connect.js'
import { e164, e164Sql } from './phone.js'
import { type Outcome, runExample } from './run-example.js'

const rows = 1_200

function expectNothingLost({ failures, wrong, counts, refusal, rows: there }: Outcome): void {
  expect(failures).toEqual([])
  expect(wrong).toEqual([])
  expect(there).toBe(rows + counts.additions)
  expect(Math.min(counts.reads, counts.changes, counts.additions)).toBeGreaterThan(50)
  expect(refusal).toBe('SCHEMA_AHEAD')
}

const options = {
  rows,
  instances: 1,
  workers: 4,
  requests: 40,
  application: [childProgram(path.join(import.meta.dirname, 'application.ts'))],
  say: () => {},
}

it('goes through six phases on SQLite, and no request fails', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'drover-zero-downtime-'))
  try {
    expectNothingLost(await runExample({ ...options, url: path.join(folder, 'calls.db') }))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describePostgres('on PostgreSQL', () => {
  it('goes through six phases, and no request fails', { timeout: 120_000 }, async () => {
    await using database = await createDatabase(serverUrl())
    expectNothingLost(await runExample({ ...options, url: database.url }))
  })
})

it('writes numbers in one form, in the application as in SQL', async () => {
  const written = ['(555) 010-1234', '+43 1 234-5', '555.010.1234']
  expect(written.map(e164)).toEqual(['+15550101234', '+4312345', '+15550101234'])
  const knex = connect(':memory:')
  try {
    const rows = (await knex.raw(
      `SELECT ${e164Sql('v')} AS number FROM (${written.map(() => 'SELECT ? AS v').join(' UNION ALL ')})`,
      written,
    )) as {
      number: string
    }[]
    expect(rows.map(({ number }) => number)).toEqual(written.map(e164))
  } finally {
    await knex.destroy()
  }
})
