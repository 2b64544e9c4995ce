import { createHash } from 'node:crypto'
import { DroverError, type Operation, type Row, type Source } from '@drover/core'
import { openPostgres } from '../connection/open-postgres.js'
import { locationName, type PostgresLocation } from '../connection/postgres-location.js'
import { quoteName } from '../connection/quote-name.js'
import { filterFields } from '../source/push-down.js'
import { connectSource, type SessionOptions } from '../source/source-session.js'
import { requireColumns } from './requirements.js'
import { resolvePlan, type UpdateSelection } from './resolve-plan.js'
import type { UpdatePlan } from './update-plan.js'

/** What a backfill reads of each row: columns, or SQL under a name. */
export type BackfillReads = readonly string[] | Readonly<Record<string, string>>

export interface BackfillSourceOptions {
  /** The backfill's, for messages. */
  readonly name: string
  readonly location: PostgresLocation
  readonly selection: UpdateSelection
  readonly reads: BackfillReads
  readonly requires: readonly string[]
}

/**
 * The rows that wait for a backfill, in the order of their key: however many leave the predicate while they are read, none
 * is passed over, and none comes twice.
 */
export function backfillSource(options: BackfillSourceOptions): Source<Row> {
  const { location, selection, reads } = options
  return {
    specVersion: 1,
    name: `postgres ${locationName(location)} ${selection.table}`,
    version: digest({ where: selection.where, key: selection.key, reads }),
    connect: async (operation) => {
      const plan = await planOf(options, operation)
      return connectSource<Row>({ ...location, json: selection.json, ...selected(plan, options) }, operation)
    },
  }
}

async function planOf(
  { name, location, selection, requires }: BackfillSourceOptions,
  operation: Operation,
): Promise<UpdatePlan> {
  await using database = await openPostgres({ ...location, readonly: true }, operation)
  await using connection = await database.connect(operation)
  await requireColumns(connection, name, requires)
  return await resolvePlan(connection, selection)
}

/** What is read of a table by its own name, or by a query in which SQL of the user stands. */
function selected(
  plan: UpdatePlan,
  { name: backfill, selection: { table, where }, reads }: BackfillSourceOptions,
): Pick<SessionOptions, 'table' | 'query' | 'key' | 'columns' | 'where' | 'isKeyed' | 'count'> {
  const key = plan.key.map(({ name }) => name)
  const seen = plan.seen.map(({ name }) => name)
  const filter = typeof where === 'object' ? { where } : {}
  const columns = isList(reads) ? reads : []
  if (typeof where !== 'string' && isList(reads)) {
    return { table, key, columns: [...new Set([...key, ...columns, ...seen])], ...filter }
  }
  const asked = typeof where === 'object' ? filterFields(where) : []
  const plain = [...new Set([...key, ...columns, ...seen, ...asked])]
  const computed = isList(reads) ? [] : Object.entries(reads)
  const twice = computed.find(([name]) => plain.includes(name))
  if (twice !== undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${backfill}: reads computes "${twice[0]}", but "${twice[0]}" is the name of a column that key or where reads; give it another name.`,
    )
  }
  const own = quoteName(plan.table.name)
  const list = [
    ...plain.map((name) => `${own}.${quoteName(name)}`),
    ...computed.map(([name, sql]) => `(${sql}) AS ${quoteName(name)}`),
  ]
  const condition = typeof where === 'string' ? ` WHERE (${where})` : ''
  const query = `SELECT ${list.join(', ')} FROM ${plan.table.sql}${condition}`
  return { query, key, isKeyed: true, ...filter }
}

export function isList(reads: BackfillReads): reads is readonly string[] {
  return Array.isArray(reads)
}

function digest(parts: unknown): string {
  const text = JSON.stringify(parts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
