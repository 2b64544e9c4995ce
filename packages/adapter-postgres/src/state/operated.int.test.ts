import { join } from 'node:path'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { operatedTests } from '@drover-internal/sql-tests/operated-tests'
import { TestSchema } from '../testing/test-schema.js'
import { postgresStateStore } from './postgres-state-store.js'

const program = join(import.meta.dirname, '..', 'testing', 'operated.child.ts')

describePostgres('operated through PostgreSQL', () => {
  const database = useDatabase()

  operatedTests(async () => {
    const place = await TestSchema.create(database)
    await database.query(`CREATE TABLE ${place.name}.t (id int PRIMARY KEY, a text)`)
    return {
      program,
      parameters: [database.url, place.name],
      open: () => postgresStateStore({ connection: database.url, stateSchema: place.name }),
      rows: async () => (await database.query(`SELECT count(*)::int AS n FROM ${place.name}.t`))[0]?.n as number,
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    }
  })
})
