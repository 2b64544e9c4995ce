import { createHash } from 'node:crypto'
import type { Operation, Row, Source, SourceSession } from '@drover/core'
import type { UpdateSelection } from '../backfill/resolve-plan.js'
import { openPostgres } from '../connection/open-postgres.js'
import { locationName, type PostgresLocation } from '../connection/postgres-location.js'
import { quoteName } from '../connection/quote-name.js'
import { connectSource } from '../source/source-session.js'
import { archivePlan } from './archive-plan.js'

/** The rows that are to leave a table, whole and in the order of their key. */
export function rowsSource(location: PostgresLocation, selection: UpdateSelection): Source<Row> {
  const { table, where, json } = selection
  const parts = JSON.stringify({ where, json, key: selection.key }, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return {
    specVersion: 1,
    name: `postgres ${locationName(location)} ${table}`,
    version: createHash('sha256').update(parts).digest('hex').slice(0, 12),
    connect: (operation) => connect(location, selection, operation),
  }
}

async function connect(
  location: PostgresLocation,
  selection: UpdateSelection,
  operation: Operation,
): Promise<SourceSession<Row>> {
  await using database = await openPostgres({ ...location, readonly: true }, operation)
  await using connection = await database.connect(operation)
  const plan = await archivePlan(connection, selection)
  const { table, where, json } = selection
  const key = plan.key.map(({ name }) => name)
  const options = { ...location, json, key }
  if (typeof where !== 'string') {
    return connectSource<Row>({ ...options, table, ...(where === undefined ? {} : { where }) }, operation)
  }
  const query = `SELECT ${quoteName(plan.table.name)}.* FROM ${plan.table.sql} WHERE (${where})`
  return connectSource<Row>({ ...options, query, isKeyed: true }, operation)
}
