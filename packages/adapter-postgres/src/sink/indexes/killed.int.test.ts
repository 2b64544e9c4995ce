import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { memorySource, type Row, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { childProgram } from '../../../../../tooling/child-program.js'
import { TestSchema } from '../../testing/test-schema.js'
import { postgresSink } from '../postgres-sink.js'

describePostgres('processes that are killed while indexes are off', () => {
  const database = useDatabase()
  let place: TestSchema
  let child: ChildProcess | undefined
  beforeEach(async () => {
    place = await TestSchema.create(database)
    await database.query(`
      SET search_path = ${place.name};
      CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4242); RETURN n; END $$;
      CREATE TABLE t (id int PRIMARY KEY, a int);
      CREATE INDEX first ON t (a DESC); CREATE INDEX second ON t (slow(a)); CREATE INDEX third ON t (a, id) WHERE a > 1`)
  })
  afterEach(async () => {
    child?.kill('SIGKILL')
    await place[Symbol.asyncDispose]()
  })

  function start(last: number): void {
    const path = join(import.meta.dirname, '..', '..', 'testing', 'load.child.ts')
    child = spawn(process.execPath, [childProgram(path), database.url, place.name, String(last)], { stdio: 'inherit' })
  }

  async function kill(): Promise<void> {
    const ended = new Promise((resolve) => child?.once('close', resolve))
    child?.kill('SIGKILL')
    await ended
  }

  async function until(condition: string): Promise<void> {
    while ((await database.query(`SELECT ${condition} AS holds`))[0]?.holds !== true) {
      if (child?.exitCode !== null) throw new Error('The process ended by itself.')
      await wait(10)
    }
  }

  const indexes = () =>
    database.query(
      `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = 't' ORDER BY indexname`,
      [place.name],
    )
  const names = async () => (await indexes()).map(({ indexname }) => indexname)
  const stored = async () => (await database.query('SELECT name FROM drover_indexes')).length
  const waitingFor = (lock: string): string => `EXISTS (SELECT FROM pg_locks WHERE NOT granted AND ${lock})`
  const isBuilding = waitingFor(`locktype = 'advisory' AND objid = 4242`)

  it('lose none of them, wherever they are killed', { timeout: 60_000 }, async () => {
    const before = await indexes()

    // Within the transaction that drops them.
    await database.query('BEGIN; LOCK TABLE t IN ACCESS SHARE MODE')
    start(4_000)
    await until(waitingFor(`relation = 't'::regclass`))
    await kill()
    await database.query('COMMIT')
    expect([await indexes(), await stored()]).toEqual([before, 0])

    // Behind it, and before the first batch is committed.
    start(1_500)
    await until('(SELECT count(*) = 3 FROM drover_indexes)')
    await kill()
    expect([await names(), await stored()]).toEqual([['t_pkey'], 3])

    // While the second of three is built: the server notices.
    await database.query('SELECT pg_advisory_lock(4242)')
    start(0)
    await until(isBuilding)
    await kill()
    await database.query(`SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE NOT granted AND objid = 4242`)
    expect([await names(), await stored()]).toEqual([['first', 't_pkey'], 2])

    // The same, and the server does not notice: what it was told to do it does to the end.
    start(0)
    await until(isBuilding)
    await kill()
    await database.query('SELECT pg_advisory_unlock(4242)')

    const records = Array.from({ length: 4_000 }, (_, i): Row => ({ id: i + 1, a: i % 7 }))
    const location = { connection: database.url, table: `${place.name}.t`, stateSchema: place.name }
    const report = await runPipeline({
      name: 'load',
      source: memorySource({ records, key: ['id'] }),
      sink: postgresSink({ ...location, indexes: 'after' }),
      whenChanged: 'continue',
      batchSize: 2_000,
    })
    expect(report).toMatchObject({ status: 'completed', counts: { read: 4_000, inserted: 4_000 } })
    expect([await indexes(), await stored()]).toEqual([before, 0])
    expect((await database.query('SELECT count(*)::int FROM t'))[0]?.count).toBe(4_000)
  })
})
