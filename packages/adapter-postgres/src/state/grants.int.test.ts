import { memorySource, type Row, runBackfill, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { postgresBackfill } from '../backfill/postgres-backfill.js'
import { postgresSink } from '../sink/postgres-sink.js'
import { postgresSource } from '../source/postgres-source.js'
import { failure } from '../testing/test-lane.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresStateStore } from './postgres-state-store.js'

/** As docs/postgres.md has them. */
const grants = (app: string, drover: string): readonly (readonly [right: string, on: string])[] => [
  ['USAGE', `SCHEMA ${app}`],
  ['USAGE', `SCHEMA ${drover}`],
  ['SELECT', `${drover}.drover_meta`],
  ['SELECT', `${drover}.drover_indexes`],
  ...['runs', 'partitions'].flatMap((table) =>
    ['SELECT', 'INSERT', 'UPDATE', 'DELETE'].map((right) => [right, `${drover}.drover_${table}`] as const),
  ),
  ...['SELECT', 'INSERT', 'UPDATE'].map((right) => [right, `${app}.t`] as const),
]

describePostgres('a user with the rights that the docs name', () => {
  const database = useDatabase()
  const operation = { signal: new AbortController().signal }
  const rows: Row[] = Array.from({ length: 10 }, (_, i) => ({ id: i + 1, a: 'x' }))
  let app: TestSchema
  let drover: TestSchema
  let user: string
  let connection: string

  beforeEach(async () => {
    app = await TestSchema.create(database)
    drover = await TestSchema.create(database)
    user = `user_${app.name}`
    await database.query(
      `CREATE ROLE ${user} LOGIN PASSWORD 'x'; CREATE TABLE ${app.name}.t (id int PRIMARY KEY, a text)`,
    )
    // Somebody who may create tables does so once.
    await using state = postgresStateStore({ connection: database.url, stateSchema: drover.name })
    await state.setup?.(operation)
    for (const [right, on] of grants(app.name, drover.name)) await database.query(`GRANT ${right} ON ${on} TO ${user}`)
    const url = new URL(database.url)
    url.username = user
    url.password = 'x'
    connection = url.href
  })
  afterEach(async () => {
    await database.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`)
    await app[Symbol.asyncDispose]()
    await drover[Symbol.asyncDispose]()
  })

  /** A copy into the table, again with the rows that are there, a backfill and a copy out of it, each twice. */
  async function everything(): Promise<void> {
    const from = { connection, table: `${app.name}.t` }
    const location = { ...from, stateSchema: drover.name }
    const source = memorySource<Row>({ records: rows, key: 'id' })
    for (const again of ['full', 'full'] as const) {
      for (const onConflict of ['skip', 'update'] as const)
        await runPipeline({ name: onConflict, source, sink: postgresSink({ ...location, onConflict }), again })
      const backfiller = postgresBackfill({ ...location, name: 'b', sets: ['a'], set: () => ({ a: 'y' }) })
      await runBackfill({ backfiller, again })
      const sink = postgresSink({ ...location, onConflict: 'update' })
      await runPipeline({ name: 'out', source: postgresSource(from), sink, again })
    }
  }

  it('runs everything, and keeps its own tables tidy', async () => {
    await everything()
    const state = `${drover.name}.drover_runs`
    await database.query(
      `UPDATE ${state} SET started_at = started_at - interval '1 year', completed_at = completed_at - interval '1 year'`,
    )
    await everything()
    expect(await database.query(`SELECT count(*)::int AS n FROM ${state}`)).toEqual([{ n: 8 }])
    expect(await database.query(`SELECT count(*)::int AS n FROM ${app.name}.t WHERE a = 'y'`)).toEqual([{ n: 10 }])
  })

  it('is told which one is missing, for each of them', async () => {
    for (const [right, on] of grants(app.name, drover.name)) {
      await database.query(`REVOKE ${right} ON ${on} FROM ${user}`)
      const error = await failure(everything())
      expect(error, `${right} ON ${on}`).toMatchObject({ code: 'STORE_DENIED', isRetryable: false })
      expect(error.message.replaceAll('"', '')).toMatch(new RegExp(`GRANT .*${right}.* ON ${on} TO ${user}`))
      await database.query(`GRANT ${right} ON ${on} TO ${user}`)
    }
  })
})
