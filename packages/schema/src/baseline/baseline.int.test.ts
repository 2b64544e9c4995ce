import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeBoth } from '../migrator/testing/both-databases.js'
import { compareBaseline } from './compare-baseline.js'
import { recordBaseline } from './record-baseline.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-baseline-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const queries = `
-- What the dashboard asks.
-- name: one_phone
SELECT * FROM calls WHERE phone = 'p77'; -- its index

-- name: by_status :many
SELECT status, count(*) FROM calls GROUP BY status
`

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!DroverError.isInstance(error)) throw error ?? new Error('It did not fail.')
  return { code: error.code, message: error.message }
}

describeBoth('a baseline of queries', (store) => {
  const paths = () => ({ queries: join(folder, 'queries.sql'), to: join(folder, 'kept', 'baseline.json') })
  const record = (text = queries) => {
    writeFileSync(paths().queries, text)
    return recordBaseline({ connection: store().location, ...paths() })
  }
  const compare = (options = {}) => compareBaseline({ connection: store().location, baseline: paths().to, ...options })

  beforeEach(async () => {
    const numbers =
      store().dialect === 'sqlite'
        ? 'WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000) SELECT n, '
        : 'SELECT n, '
    const from = store().dialect === 'sqlite' ? 'FROM s' : 'FROM generate_series(1, 5000) AS s(n)'
    await store().exec(`CREATE TABLE calls (id integer PRIMARY KEY, phone text, status text);
      INSERT INTO calls ${numbers} 'p' || n, 'open' ${from}; CREATE INDEX by_phone ON calls (phone); ANALYZE`)
  })

  it('knows indexes and times, and finds nothing worse in what is the same', async () => {
    const { queries: found } = await record()
    expect(found.map(({ name, plan }) => [name, plan.indexes, plan.scans])).toEqual([
      ['one_phone', [{ index: 'by_phone', table: 'calls' }], []],
      ['by_status', [], ['calls']],
    ])
    expect(found[0]?.medianMs).toBeGreaterThan(0)
    expect((await compare()).map(({ notes }) => notes)).toEqual([[], []])
  })

  it('finds an index that is not used any more, unless another one has taken its place', async () => {
    await record()
    await store().exec('DROP INDEX by_phone')
    const { code, message } = await failure(compare())
    expect(code).toBe('BASELINE_WORSE')
    expect(message).toContain('one_phone does not use the index by_phone any more')
    expect(message).not.toContain('by_status')
    await store().exec('CREATE INDEX phone_and_status ON calls (phone, status)')
    expect((await compare()).flatMap(({ notes }) => notes)).toEqual([
      'one_phone uses phone_and_status instead of by_phone',
    ])
  })

  it('finds a query that takes more than twice as long, and one that fails', async () => {
    await record()
    const path = paths().to
    const kept = readFileSync(path, 'utf8')
    // As if it had been fast.
    writeFileSync(path, kept.replaceAll(/"(median|min)Ms": [\d.]+/g, '"$1Ms": 0.0001'))
    const { code, message } = await failure(compare({ floorMs: 0 }))
    expect(code).toBe('BASELINE_WORSE')
    expect(message).toMatch(/by_status takes [\d.]+ ms instead of 0\.0001 ms/)
    // So little may be noise.
    await compare({ floorMs: 10_000 })
    writeFileSync(path, kept)
    await store().exec('ALTER TABLE calls RENAME COLUMN phone TO number')
    expect(await failure(compare())).toMatchObject({
      code: 'BASELINE_WORSE',
      message: expect.stringMatching(/one_phone fails: .*phone/),
    })
  })

  it('refuses what is no file of queries that only read', async () => {
    expect(await failure(record('SELECT 1'))).toMatchObject({ code: 'OPTION_INVALID', message: /-- name: …/ })
    expect(await failure(record('-- name: a\nDELETE FROM calls'))).toMatchObject({ message: /a does not only read/ })
    expect(await failure(record('-- name: a\nSELECT 1; SELECT 2'))).toMatchObject({ message: /several statements/ })
    expect(await failure(record('-- name: a\nSELECT 1;\n-- name: a\nSELECT 2'))).toMatchObject({
      message: /two queries/,
    })
    expect(await failure(compare())).toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })
})
