import { createHash } from 'node:crypto'
import { DroverError, type Row, type Source } from '@drover/core'
import { locationName, openSqlite, type SqliteLocation } from '../connection/open-sqlite.js'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { sameName } from '../schema/table.js'
import { filterFields } from '../source/push-down.js'
import { connectSource, type SessionOptions } from '../source/source-session.js'
import { FusedSource } from './fused-source.js'
import type { Fusion } from './fusion.js'
import { requireColumns } from './requirements.js'
import { resolvePlan, type UpdateSelection } from './resolve-plan.js'
import type { UpdatePlan } from './update-plan.js'

/** What a backfill reads of each row: columns, or SQL under a name. */
export type BackfillReads = readonly string[] | Readonly<Record<string, string>>

export interface BackfillSourceOptions {
  /** The backfill's, for messages. */
  readonly name: string
  readonly location: SqliteLocation
  readonly selection: UpdateSelection
  readonly reads: BackfillReads
  readonly requires: readonly string[]
  /** Where `set` is a function that may be called by SQLite. */
  readonly fusion: Fusion | null
}

/**
 * The rows that wait for a backfill, in the order of their key: however many leave the predicate while they are read, none
 * is passed over, and none comes twice.
 */
export function backfillSource(options: BackfillSourceOptions): Source<Row> {
  const { location, selection, reads } = options
  return {
    specVersion: 1,
    name: `sqlite ${locationName(location)} ${selection.table}`,
    version: digest({ where: selection.where, key: selection.key, reads }),
    connect: async () => {
      const connection = await openSqlite({ ...location, readonly: true })
      let plan: UpdatePlan
      try {
        await requireColumns(connection, options.name, options.requires)
        plan = await resolvePlan(connection, selection)
      } finally {
        await connection[Symbol.asyncDispose]()
      }
      const how = { ...location, integers: 'auto', snapshot: false } as const
      const whole = await connectSource<Row>({ ...how, ...selected(plan, options) })
      return options.fusion === null || !canFuse(connection, plan) ? whole : new FusedSource(whole, options.fusion)
    },
  }
}

/** Only one of the drivers can call functions from SQL, and only on a connection of ours; what was seen has to be read. */
export function canFuse({ driver, path }: SqliteConnection, { seen }: UpdatePlan): boolean {
  return driver === 'better-sqlite3' && path !== null && seen.length === 0
}

/** What is read of a table by its own name, or by a query in which SQL of the user stands. */
function selected(
  plan: UpdatePlan,
  { name: backfill, selection: { where }, reads }: BackfillSourceOptions,
): Pick<SessionOptions, 'table' | 'query' | 'key' | 'columns' | 'where' | 'isKeyed'> {
  const key = plan.key.map(({ name }) => name)
  const seen = plan.seen.map(({ name }) => name)
  const filter = typeof where === 'object' ? { where } : {}
  const columns = isList(reads) ? reads : []
  if (typeof where !== 'string' && isList(reads) && !plan.isByRowid) {
    return { table: plan.table, key, columns: [...new Set([...key, ...columns, ...seen])], ...filter }
  }
  const asked = typeof where === 'object' ? filterFields(where) : []
  const plain = [...new Set([...key, ...columns, ...seen, ...asked])].map((name) => [name, quoteName(name)] as const)
  const computed = isList(reads) ? [] : Object.entries(reads).map(([name, sql]) => [name, `(${sql})`] as const)
  const twice = computed.find(([name]) => plain.some(([other]) => sameName(name, other)))
  if (twice !== undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${backfill}: reads computes "${twice[0]}", but "${twice[0]}" is the name of a column that key or where reads; give it another name.`,
    )
  }
  const list = [...plain, ...computed].map(([name, sql]) => `${sql} AS ${quoteName(name)}`)
  const condition = typeof where === 'string' ? ` WHERE (${where})` : ''
  const query = `SELECT ${list.join(', ')} FROM ${quoteName(plan.table)}${condition}`
  return { query, key, isKeyed: true, ...filter }
}

export function isList(reads: BackfillReads): reads is readonly string[] {
  return Array.isArray(reads)
}

function digest(parts: unknown): string {
  const text = JSON.stringify(parts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
