import { DroverError, type Operation } from '@drover/core'
import { foreignKeyChildren } from '../catalog/foreign-key-children.js'
import { readCatalog } from '../catalog/read-catalog.js'
import { rowCounts } from '../catalog/row-counts.js'
import type { Catalog } from '../contracts/catalog.js'
import type { Before, Condition, ConditionContext } from '../contracts/condition.js'
import type { SchemaConnection } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import type { Finding, Loss, PlannedRevision } from '../contracts/plan.js'
import type { RecordedStep } from '../contracts/steps.js'

/** What is unsafe in these revisions, before anything runs. */
export async function findingsOf(_revisions: readonly PlannedRevision[]): Promise<readonly Finding[]> {
  return []
}

/** What would be lost by them, counted in the database. */
export async function lossesOf(
  _revisions: readonly PlannedRevision[],
  _connection: SchemaConnection,
  _operation: Operation,
): Promise<readonly Loss[]> {
  return []
}

/** What is watched while a revision runs: what was there before, and what has to hold behind it. */
export interface Watch {
  /** @throws `CONDITION_FAILED` */
  preconditions(): Promise<void>
  /** @throws `CONDITION_FAILED` */
  postconditions(): Promise<void>
  /** Whether there are postconditions, and all of them hold. */
  holds(): Promise<boolean>
}

interface Watched extends Operation {
  readonly migration: Migration
  readonly direction: 'up' | 'down'
  readonly steps: readonly RecordedStep[]
  readonly connection: SchemaConnection
  readonly foreignKeys: 'on' | 'off'
}

/** Notes what is there before a revision begins. */
export async function watch(watched: Watched): Promise<Watch> {
  const { migration, direction, connection, foreignKeys, signal } = watched
  // On the way down the conditions of the way up say nothing.
  const [before, after] =
    direction === 'up' ? [migration.preconditions ?? [], migration.postconditions ?? []] : [[], []]
  const noted = before.length + after.length > 0 ? await note(watched) : undefined
  const broken = foreignKeys === 'off' ? await brokenKeys(connection) : undefined
  const context = (): ConditionContext => ({
    dialect: connection.dialect,
    signal,
    query: (sql, values) => connection.query(sql, values),
    catalog: () => catalogOf(connection),
    before: noted ?? { catalog: emptyCatalog(connection), rows: new Map() },
  })
  const check = async (kind: string, conditions: readonly Condition[]): Promise<void> => {
    for (const [i, condition] of conditions.entries()) {
      const failure = await failureOf(condition, context())
      if (failure === undefined) continue
      const name = condition.name === '' ? `${kind} ${i + 1}` : `${kind} ${condition.name}`
      throw new DroverError('CONDITION_FAILED', `${migration.id}: the ${name} does not hold: ${failure}`)
    }
  }
  return {
    preconditions: () => check('precondition', before),
    postconditions: async () => {
      if (broken !== undefined) await refuseNewlyBroken(connection, broken, migration.id)
      await check('postcondition', after)
    },
    holds: async () => {
      for (const condition of after) if ((await failureOf(condition, context())) !== undefined) return false
      return after.length > 0
    },
  }
}

/** A sentence about what does not hold. */
async function failureOf(condition: Condition, context: ConditionContext): Promise<string | undefined> {
  try {
    const answer = await condition(context)
    if (answer === false) return 'it answered false.'
    return typeof answer === 'string' ? answer : undefined
  } catch (error) {
    // The store's own troubles are no answer.
    if (DroverError.isInstance(error) && !DroverError.isInstance(error, 'CONDITION_FAILED')) throw error
    return error instanceof Error ? error.message : String(error)
  }
}

async function note({ connection, steps }: Watched): Promise<Before> {
  const catalog = await catalogOf(connection)
  const text = steps
    .map((step) => (step.kind === 'sql' ? step.sql : step.kind === 'backfill' ? step.table : step.about))
    .join('\n')
  const touched = catalog.tables.map(({ name }) => name).filter((name) => text.includes(name.split('.').at(-1) ?? name))
  const watched = new Set([...touched, ...touched.flatMap((table) => foreignKeyChildren(catalog, table))])
  return { catalog, rows: await rowCounts((sql, values) => connection.query(sql, values), [...watched]) }
}

function catalogOf(connection: SchemaConnection): Promise<Catalog> {
  return readCatalog((sql, values) => connection.query(sql, values), connection.dialect)
}

function emptyCatalog({ dialect }: SchemaConnection): Catalog {
  return { dialect, tables: [], views: [], triggers: [], enums: [], sequences: [], others: [] }
}

/** Rows of SQLite that refer to nothing, by table, rowid and parent. */
async function brokenKeys(connection: SchemaConnection): Promise<ReadonlySet<string>> {
  const rows = await connection.query('PRAGMA foreign_key_check')
  return new Set(rows.map(({ table, rowid, parent }) => `${String(table)} ${String(rowid)} ${String(parent)}`))
}

/** While foreign keys were off nobody has looked. */
async function refuseNewlyBroken(connection: SchemaConnection, before: ReadonlySet<string>, id: string): Promise<void> {
  const broken = [...(await brokenKeys(connection))].filter((key) => !before.has(key))
  if (broken.length === 0) return
  const shown = broken.slice(0, 5).map((key) => {
    const [table, rowid, parent] = key.split(' ')
    return `row ${rowid} of ${table} refers to no row of ${parent}`
  })
  const more = broken.length > shown.length ? ` and ${broken.length - shown.length} more` : ''
  throw new DroverError(
    'FOREIGN_KEY_BROKEN',
    `${id} breaks foreign keys: ${shown.join(', ')}${more}. Nothing of it stays.`,
  )
}
