import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { openPostgres } from '../connection/open-postgres.js'
import { ensureStateTables, stateTables } from './state-tables.js'

describePostgres("Drover's tables", () => {
  const database = useDatabase()
  const operation = { signal: new AbortController().signal }

  it('are made once by all who look for them at the same time', async () => {
    await using opened = await openPostgres({ connection: database.url }, operation)
    for (let round = 0; round < 20; round++) {
      const tables = stateTables({ tablePrefix: `round_${round}_` })
      const connections = await Promise.all(Array.from({ length: 6 }, () => opened.connect(operation)))
      try {
        await Promise.all(connections.map((connection) => ensureStateTables(connection, tables)))
      } finally {
        for (const connection of connections) await connection[Symbol.asyncDispose]()
      }
      const [found] = await database.query(
        `SELECT count(*)::int FROM pg_tables WHERE tablename LIKE 'round\\_${round}\\_%'`,
      )
      expect(found?.count).toBe(tables.names.length)
    }
  })
})
