import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ndjsonSink, type Row, runBackfill } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { childProgram } from '../../../../tooling/child-program.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresArchive } from './postgres-archive.js'

// Processes that start from sources take their seconds.
describePostgres('postgresArchive, killed', () => {
  const database = useDatabase()
  let place: TestSchema
  let folder: string

  beforeEach(async () => {
    place = await TestSchema.create(database)
    folder = await mkdtemp(join(tmpdir(), 'drover-archive-'))
    await database.query(`
      CREATE TABLE ${place.name}.messages (id int PRIMARY KEY, content text, old boolean);
      INSERT INTO ${place.name}.messages SELECT i, 'message ' || i, i % 2 = 0 FROM generate_series(1, 2000) AS i`)
  })

  afterEach(async () => {
    await place[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  const idsIn = async (table: string): Promise<number[]> =>
    (await database.query(`SELECT id FROM ${place.name}.${table} ORDER BY id`)).map((row: Row) => row.id as number)

  const even = Array.from({ length: 1_000 }, (_, i) => 2 * i + 2)

  async function killed(file: string, steps: number): Promise<void> {
    const child = join(import.meta.dirname, '..', 'testing', 'archive.child.ts')
    const parameters = [childProgram(child), database.url, place.name, file, String(steps)]
    const started = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
    const [, signal] = await once(started, 'close')
    expect(signal).toBe('SIGKILL')
  }

  /** The same archive without what kills it. */
  const resumed = (to: string | ReturnType<typeof ndjsonSink>) =>
    runBackfill({
      backfiller: postgresArchive({
        name: 'archive',
        connection: database.url,
        stateSchema: place.name,
        table: `${place.name}.messages`,
        where: 'old',
        to,
        batchSize: 100,
      }),
      whenChanged: 'continue',
    })

  it('has each row in one place within a database, and goes on', { timeout: 60_000 }, async () => {
    await killed('', 1_000)
    const left = (await idsIn('messages')).filter((id) => id % 2 === 0)
    const moved = await idsIn('old')
    expect(moved.length).toBeGreaterThan(0)
    expect([...moved, ...left]).toEqual(even)
    const report = await resumed(`${place.name}.old`)
    expect(report).toMatchObject({ attempt: { resumed: true }, counts: { read: 1_000, inserted: 1_000 } })
    expect(await idsIn('old')).toEqual(even)
    expect((await idsIn('messages')).length).toBe(1_000)
  })

  it('has each row in the destination before it leaves, while it copies and while it deletes', {
    timeout: 60_000,
  }, async () => {
    const file = join(folder, 'old.ndjson')
    const idsThere = async (): Promise<number[]> =>
      (await readFile(file, 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: number }).id)
    await killed(file, 12)
    expect((await idsIn('messages')).length).toBe(2_000)
    await killed(file, 38)
    const left = (await idsIn('messages')).filter((id) => id % 2 === 0)
    expect(left.length).toBeGreaterThan(0)
    expect(left.length).toBeLessThan(1_000)
    expect(await idsThere()).toEqual(even)
    const report = await resumed(ndjsonSink({ path: file }))
    expect(report).toMatchObject({ attempt: { resumed: true }, counts: { read: 1_000, inserted: 1_000 } })
    expect(await idsThere()).toEqual(even)
    expect((await idsIn('messages')).length).toBe(1_000)
  })
})
