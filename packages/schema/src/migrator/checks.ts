import { DroverError, type Operation } from '@drover/core'
import { readCatalog } from '../catalog/read-catalog.js'
import { rowCounts } from '../catalog/row-counts.js'
import { checkConditions } from '../conditions/check-conditions.js'
import type { Catalog } from '../contracts/catalog.js'
import type { Before, Condition, ConditionContext } from '../contracts/condition.js'
import type { SchemaConnection } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import type { Finding, Loss, PlannedRevision } from '../contracts/plan.js'
import type { RecordedStep } from '../contracts/steps.js'
import { type LintFacts, lint } from '../lint/lint.js'
import { refuseLostRows } from '../loss/loss-detector.js'
import { lossesOf } from '../loss/losses.js'
import { ownChanges } from '../loss/own-changes.js'
import { canLoseRows, isChange, mayFire, touchedTables } from '../loss/touched-tables.js'
import { actionsOf } from '../sql/actions.js'
import { brokenKeys, refuseNewlyBroken } from './broken-keys.js'

/** What is unsafe in these revisions, and what they throw away, before anything runs. */
export async function examine(
  revisions: readonly PlannedRevision[],
  connection: SchemaConnection,
): Promise<{ readonly findings: readonly Finding[]; readonly losses: readonly Loss[] }> {
  const { dialect } = connection
  const isIdle = revisions.every(({ steps }) => !canLoseRows(steps, dialect) && !mayDrop(steps))
  const suspects = revisions.flatMap((revision) => linted(revision, dialect))
  if (isIdle && suspects.length === 0) return { findings: [], losses: [] }
  const read = reading(connection)
  const catalog = await readCatalog(read, dialect)
  const losses = await lossesOf(revisions, catalog, read)
  if (suspects.length === 0) return { findings: [], losses }
  // Of an empty table much is safe that else is not.
  const touched = new Set(revisions.flatMap(({ steps }) => touchedTables(steps, catalog)))
  const rows = await rowCounts(read, [...touched], dialect)
  for (const table of madeBy(revisions, dialect)) if (!rows.has(table)) rows.set(table, 0)
  const facts = { catalog, rows }
  return { findings: revisions.flatMap((revision) => linted(revision, dialect, facts)), losses }
}

function linted({ migration, direction, steps }: PlannedRevision, dialect: Catalog['dialect'], facts?: LintFacts) {
  return direction === 'up' ? lint(migration, steps, dialect, facts) : []
}

/** Tables that the plan itself makes: nobody uses them before it is through. */
function madeBy(revisions: readonly PlannedRevision[], dialect: Catalog['dialect']): readonly string[] {
  return revisions.flatMap(({ steps }) =>
    steps
      .flatMap((step) => (step.kind === 'sql' ? actionsOf(step.sql, dialect) : []))
      .flatMap((action) => (action.kind === 'create-table' ? [action.table] : [])),
  )
}

function mayDrop(steps: readonly RecordedStep[]): boolean {
  return steps.some((step) => step.kind === 'sql' && /\bdrop\b|\btruncate\b/i.test(step.sql))
}

/** What is watched while a revision runs: what was there before, and what has to hold behind it. */
export interface Watch {
  /** @throws `CONDITION_FAILED` */
  preconditions(): Promise<void>
  /** @throws `CONDITION_FAILED`, `LOSS_REFUSED`, `FOREIGN_KEY_BROKEN` */
  afterwards(executed: readonly RecordedStep[]): Promise<void>
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

/** Notes what is there before a revision begins, as far as somebody asks for it behind it. */
export async function watch({ migration, direction, steps, connection, foreignKeys, signal }: Watched): Promise<Watch> {
  const { id, preconditions = [], postconditions = [] } = migration
  const read = reading(connection)
  const catalog = (): Promise<Catalog> => readCatalog(read, connection.dialect)
  // On the way down the conditions of the way up say nothing.
  const conditions = direction === 'up' ? [...preconditions, ...postconditions] : []
  const isLosing = canLoseRows(steps, connection.dialect)
  const known = conditions.length > 0 || isLosing || steps.some(isChange) ? await catalog() : null
  const isFiring = known !== null && mayFire(steps, known)
  const before =
    known !== null && (conditions.length > 0 || isLosing || isFiring)
      ? await noted(steps, known, read, isOneTransaction(migration, steps))
      : null
  // A trigger may take rows of any table.
  const everywhere = isFiring
    ? await rowCounts(
        read,
        known.tables.map(({ name }) => name),
        connection.dialect,
      )
    : undefined
  const broken = foreignKeys === 'off' ? await brokenKeys(connection) : null
  const check = async (given: readonly Condition[], when: string): Promise<void> => {
    if (given.length === 0 || before === null || direction === 'down') return
    const context: ConditionContext = { dialect: connection.dialect, signal, query: read, catalog, before }
    await checkConditions(given, context, `${when} ${id}`)
  }
  return {
    preconditions: () => check(preconditions, 'before'),
    async afterwards(executed) {
      if (broken !== null) await refuseNewlyBroken(connection, broken, id)
      if (before !== null && (isFiring || canLoseRows(executed, connection.dialect)))
        await refuseLostRows(executed, { ...before, rows: everywhere ?? before.rows }, await catalog(), read)
      await check(postconditions, 'after')
    },
    async holds() {
      if (postconditions.length === 0 || direction === 'down') return false
      try {
        await check(postconditions, 'after')
        return true
      } catch (error) {
        if (DroverError.isInstance(error, 'CONDITION_FAILED')) return false
        throw error
      }
    },
  }
}

async function noted(steps: readonly RecordedStep[], catalog: Catalog, read: Reading, isOne: boolean): Promise<Before> {
  const { dialect } = catalog
  const tables = touchedTables(steps, catalog)
  const rows = await rowCounts(read, tables, dialect)
  if (dialect === 'sqlite' || !isOne) return { catalog, rows }
  const files = [...(await ownChanges(read, tables))].map(([table, { file }]) => [table, file] as const)
  return { catalog, rows, files: new Map(files) }
}

/** What it does is then all counted by the server when it ends. */
function isOneTransaction({ transaction = 'one' }: Migration, steps: readonly RecordedStep[]): boolean {
  return transaction === 'one' && steps.every(({ kind }) => kind !== 'backfill')
}

type Reading = ConditionContext['query']

function reading(connection: SchemaConnection): Reading {
  return (sql, values) => connection.query(sql, values)
}
