import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { runBackfill } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { childProgram } from '../../../../tooling/child-program.js'
import { postgresBackfill } from '../backfill/postgres-backfill.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresUndo } from './postgres-undo.js'

// Processes that start from sources take their seconds.
describePostgres('a run with before-images, and its undo, killed', () => {
  const database = useDatabase()
  let place: TestSchema

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await exec(`CREATE TABLE @messages (id int PRIMARY KEY, content text, token_count int NOT NULL DEFAULT 0);
      INSERT INTO @messages SELECT i, repeat('x', i), -i FROM generate_series(1, 1000) AS i`)
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const exec = (sql: string) => database.query(sql.replaceAll('@', `${place.name}.`))
  const kept = () =>
    exec(`SELECT count(*)::int AS n, count(DISTINCT key)::int AS keys, bool_and(image = '(-' || key || ')') AS right
      FROM @drover_before_images, unnest(keys, images) AS u (key, image)`)

  async function killed(kind: 'run' | 'undo', steps = ''): Promise<void> {
    const child = join(import.meta.dirname, '..', 'testing', 'undo.child.ts')
    const parameters = [childProgram(child), database.url, place.name, kind, steps]
    const started = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
    const [, signal] = await once(started, 'close')
    expect(signal).toBe('SIGKILL')
  }

  it('loses and doubles no image, and puts each row back once', async () => {
    const state = { connection: database.url, stateSchema: place.name, batchSize: 100 }
    const before = await exec('SELECT * FROM @messages ORDER BY id')
    // Behind the claim and four batches, each of which is two steps.
    await killed('run', '10')
    const resumed = await runBackfill({
      whenHeld: 'wait',
      backfiller: postgresBackfill({
        ...state,
        name: 'tokens',
        table: `${place.name}.messages`,
        reads: ['content'],
        sets: ['token_count'],
        set: ({ content }) => ({ token_count: String(content).length }),
        undo: true,
      }),
    })
    expect(resumed.attempt.resumed).toBe(true)
    expect(resumed.counts).toMatchObject({ read: 1000, updated: 1000 })
    expect(await kept()).toEqual([{ n: 1000, keys: 1000, right: true }])
    await killed('undo', '10')
    const undone = await runBackfill({ whenHeld: 'wait', backfiller: postgresUndo({ ...state, run: 'tokens' }) })
    expect(undone.attempt.resumed).toBe(true)
    expect(undone.counts).toMatchObject({ read: 1000, updated: 1000, skipped: 0 })
    expect(await exec('SELECT * FROM @messages ORDER BY id')).toEqual(before)
  })

  it('can be taken back as far as it came', async () => {
    const before = await exec('SELECT * FROM @messages ORDER BY id')
    await killed('run')
    const [{ n }] = (await kept()) as [{ n: number }]
    const backfiller = postgresUndo({ connection: database.url, stateSchema: place.name, run: 'tokens' })
    expect((await runBackfill({ backfiller })).counts).toMatchObject({ read: n, updated: n })
    expect(await exec('SELECT * FROM @messages ORDER BY id')).toEqual(before)
  })
})
