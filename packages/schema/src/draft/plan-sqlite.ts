import { defaultSql } from '../changes/column-sql.js'
import { addColumnByRebuild } from '../changes/sqlite-limits.js'
import type { CatalogColumn, CatalogForeignKey, CatalogIndex, CatalogTable } from '../contracts/catalog.js'
import type { ColumnDefinition, RebuildOptions } from '../contracts/schema-changes.js'
import { quoteName } from '../sql/quote.js'
import { tokensOf } from '../sql/tokens.js'
import { type Change, schemaCall, sqlCall } from './call.js'
import { keyOf } from './comparison.js'
import { columnDefinition, indexCall, isTranslated } from './definitions.js'
import {
  archived,
  forwardKeys,
  needsValue,
  type Planning,
  parentsFirst,
  standIn,
  TableDifferences,
  undecidedValue,
} from './planned.js'
import { KeyedTables, withoutForeignKeys } from './sqlite-keys.js'
import { triggerChanges, viewChanges } from './views.js'

const dialect = 'sqlite'

/** What makes a database of SQLite the wanted one: in place where it can be, else each table is made anew once. */
export async function planSqlite(planning: Planning): Promise<Change[]> {
  const { comparison } = planning
  const changes: Change[] = []
  const touched = new Set<string>()
  const all = TableDifferences.all(comparison)
  const keyed = new KeyedTables(comparison)
  for (const { table } of all) changes.push(...keyed.around(table))
  for (const differences of all) {
    const { table } = differences
    const [old, made] = [comparison.actualTable(table), comparison.wantedTable(table)]
    if (differences.isNew && made !== undefined) continue
    if (differences.isGone) {
      touched.add(table)
      continue
    }
    if (old === undefined || made === undefined) continue
    const plan = new TablePlan(planning, differences, old, made)
    changes.push(...(await plan.changes()))
    if (plan.losesColumns) touched.add(table)
  }
  const added = all.flatMap(({ isNew, table }) => (isNew ? (comparison.wantedTable(table) ?? []) : []))
  const parents = parentsFirst(added, dialect)
  for (const table of parents) {
    changes.push(...madeTable(planning, table))
    // On the way back none of a circle can be dropped first.
    if (forwardKeys(parents, table, dialect).length > 0)
      changes.push({ phase: 'rebuild table', up: [], down: [withoutForeignKeys(table)] })
  }
  const gone = all.flatMap(({ isGone, table }) => (isGone ? (comparison.actualTable(table) ?? []) : []))
  const goneParents = parentsFirst(gone, dialect)
  for (const table of [...goneParents].reverse()) {
    if (forwardKeys(goneParents, table, dialect).length > 0)
      changes.push({ phase: 'rebuild table', up: [withoutForeignKeys(table)], down: [] })
    changes.push(...goneTable(planning, table))
  }
  return [...changes, ...viewChanges(planning, touched), ...triggerChanges(planning)]
}

function madeTable({ declared }: Planning, table: CatalogTable): Change[] {
  const { name, sql = '' } = table
  const definition = declared.table(name)
  const make = definition === undefined ? sqlCall(sql) : schemaCall('createTable', name, definition)
  return [
    { phase: 'make table', up: [make], down: [schemaCall('dropTable', name)] },
    ...table.indexes.map((index) => madeIndex(declared.index(name, index.name), table, index)),
  ]
}

function goneTable({ comparison, facts }: Planning, table: CatalogTable): Change[] {
  const { name, sql = '', indexes } = table
  const triggers = comparison.actual.triggers.filter(
    (trigger) => keyOf(trigger.table, dialect) === keyOf(name, dialect),
  )
  const down = [sqlCall(sql), ...[...indexes, ...triggers].map((each) => sqlCall(each.sql))]
  // Names of indexes are for all tables.
  const early: Change[] = indexes.map((index) => ({
    phase: 'drop index',
    up: [schemaCall('dropIndex', index.name)],
    down: [],
  }))
  return [
    ...archived(name, facts.isPopulated(name)),
    ...early,
    { phase: 'drop table', up: [schemaCall('dropTable', name)], down },
  ]
}

function madeIndex(
  definition: Parameters<typeof schemaCall<'createIndex'>>[2] | undefined,
  table: CatalogTable,
  index: CatalogIndex,
): Change {
  return {
    phase: 'make index',
    up: [
      definition === undefined
        ? indexCall(table.name, index, dialect)
        : schemaCall('createIndex', table.name, definition),
    ],
    down: [schemaCall('dropIndex', index.name)],
  }
}

type Check = CatalogTable['checks'][number]

/** Changes of a table that stays. */
class TablePlan {
  constructor(
    private readonly planning: Planning,
    private readonly differences: TableDifferences,
    private readonly old: CatalogTable,
    private readonly made: CatalogTable,
  ) {}

  get losesColumns(): boolean {
    return this.differences.of('column', 'removed').length > 0 || this.#regenerated.length > 0
  }

  async changes(): Promise<Change[]> {
    const { old, planning } = this
    const isLosing = this.differences.of('column', 'removed').length > 0
    return [
      ...(isLosing ? archived(old.name, planning.facts.isPopulated(old.name)) : []),
      ...this.#indexes(),
      ...((await this.#mustRebuild()) ? await this.#rebuild() : this.#inPlace()),
    ]
  }

  get #regenerated(): unknown[] {
    return this.differences.of('column', 'changed').filter(({ properties }) => properties.includes('generated'))
  }

  #indexes(): Change[] {
    const { differences, old, made, planning } = this
    const { comparison, declared } = planning
    return differences.of('index').flatMap(({ from, to }): Change[] => {
      const [before, after] = [from, to].map((each) =>
        each === undefined ? undefined : comparison.original<CatalogIndex>(each),
      )
      return [
        ...(before === undefined
          ? []
          : [
              {
                phase: 'drop index' as const,
                up: [schemaCall('dropIndex', before.name)],
                down: [indexCall(old.name, before, dialect)],
              },
            ]),
        ...(after === undefined ? [] : [madeIndex(declared.index(made.name, after.name), made, after)]),
      ]
    })
  }

  async #mustRebuild(): Promise<boolean> {
    const { differences, old, planning } = this
    if (differences.of('table').length > 0 || differences.of('primary key').length > 0) return true
    if (differences.of('unique constraint').length > 0 || differences.of('column', 'changed').length > 0) return true
    if (new KeyedTables(planning.comparison).isWaiting(old.name)) return true
    const covered = this.#covered()
    for (const object of ['check', 'foreign key'] as const)
      for (const each of differences.of(object)) if (each.change !== 'added' || !covered.has(each.to)) return true
    for (const column of this.#columns('removed')) {
      const isKept = old.columns.some(({ generated }) => speaksOf(generated?.expression, column.name))
      if (isTranslated(column) || isKept || this.#isKey(column)) return true
    }
    for (const column of this.#columns('added')) {
      if (addColumnByRebuild(this.#added(column))) {
        if (!needsValue(column) || planning.facts.isPopulated(old.name)) return true
      }
      if (planning.declared.wholeColumn(old.name, column.name) === undefined && isTranslated(column)) return true
    }
    return false
  }

  #isKey({ name }: CatalogColumn): boolean {
    return this.old.primaryKey.some((each) => keyOf(each, dialect) === keyOf(name, dialect))
  }

  /** Constraints that come in with the column that is written with them. */
  #covered(): Set<unknown> {
    const { differences, planning, made } = this
    const covered = new Set<unknown>()
    for (const column of this.#columns('added')) {
      const whole = planning.declared.wholeColumn(made.name, column.name)
      if (whole === undefined || addColumnByRebuild(whole)) continue
      const key = differences.of('foreign key', 'added').find(({ to }) => {
        const { columns } = planning.comparison.original<CatalogForeignKey>(to)
        return columns.length === 1 && columns[0] === column.name
      })
      if (whole.references !== undefined && key !== undefined) covered.add(key.to)
      const checks = differences
        .of('check', 'added')
        .map(({ to }) => ({ to, ...planning.comparison.original<Check>(to) }))
      const own = checks.find(({ expression }) => expression === whole.check?.trim())
      if (own !== undefined) covered.add(own.to)
      const ofEnum = checks.find(({ name, expression }) => name === whole.type && speaksOf(expression, column.name))
      if (whole.values !== undefined && ofEnum !== undefined) covered.add(ofEnum.to)
    }
    return covered
  }

  #inPlace(): Change[] {
    const { old } = this
    return [
      ...this.#columns('removed').map(
        (column): Change => ({
          phase: column.generated === undefined ? 'drop column' : 'drop generated column',
          up: [schemaCall('dropColumn', old.name, column.name)],
          down: [schemaCall('addColumn', old.name, column.name, columnDefinition(column, dialect))],
        }),
      ),
      ...this.#columns('added').map(
        (column): Change => ({
          phase: column.generated === undefined ? 'add column' : 'add generated column',
          up: [schemaCall('addColumn', old.name, column.name, this.#added(column))],
          down: [schemaCall('dropColumn', old.name, column.name)],
        }),
      ),
    ]
  }

  async #rebuild(): Promise<Change[]> {
    const { old, made, planning } = this
    const { facts } = planning
    const fill: Record<string, string> = {}
    const undecided: string[] = []
    if (facts.isPopulated(old.name)) {
      for (const column of made.columns) {
        const before = named(old, column.name)
        if (before === undefined ? !needsValue(column) : column.isNullable || !before.isNullable) continue
        if (column.generated !== undefined || this.#isRowid(column)) continue
        if (before !== undefined && !(await facts.hasNulls(old.name, before.name))) continue
        const value =
          column.default === undefined ? await facts.valueFor(made.name, column.name) : { sql: column.default }
        if (value === undefined) undecided.push(undecidedValue(made.name, column.name))
        else {
          const sql = defaultSql(value, dialect)
          fill[column.name] = before === undefined ? sql : `coalesce(${quoteName(before.name)}, ${sql})`
        }
      }
    }
    const isWaiting = new KeyedTables(planning.comparison).isWaiting(old.name)
    const make = schemaCall('rebuildTable', old.name, rebuilding(made, fill))
    const back = schemaCall('rebuildTable', old.name, rebuilding(old, this.#backFill()))
    const rebuild: Change = {
      phase: 'rebuild table',
      up: [isWaiting ? withoutForeignKeys(made, fill) : make],
      down: [isWaiting ? withoutForeignKeys(old, this.#backFill()) : back],
      ...(undecided.length === 0 ? {} : { undecided: undecided.join(' ') }),
    }
    if (!isWaiting) return [rebuild]
    const keys = schemaCall('rebuildTable', made.name, rebuilding(made, {}))
    return [rebuild, { phase: 'add key', up: [keys], down: [withoutForeignKeys(made)] }]
  }

  /** On the way back columns come without what was in them. */
  #backFill(): Record<string, string> {
    const fill: Record<string, string> = {}
    for (const column of this.old.columns) {
      const now = named(this.made, column.name)
      const value = standIn(column)
      if (value === undefined || column.isNullable || column.generated !== undefined) continue
      const initial = column.default ?? defaultSql(value, dialect)
      if (now === undefined && needsValue(column)) fill[column.name] = initial
      else if (now?.isNullable === true && now.generated === undefined)
        fill[column.name] = `coalesce(${quoteName(now.name)}, ${initial})`
    }
    return fill
  }

  #isRowid({ name, type }: CatalogColumn): boolean {
    const { primaryKey } = this.made
    return primaryKey.length === 1 && primaryKey[0] === name && type.toUpperCase() === 'INTEGER'
  }

  #added(column: CatalogColumn): ColumnDefinition {
    const whole = this.planning.declared.wholeColumn(this.made.name, column.name)
    return whole ?? columnDefinition(column, dialect)
  }

  #columns(change: 'added' | 'removed'): CatalogColumn[] {
    return this.differences
      .of('column', change)
      .map(({ from, to }) => this.planning.comparison.original<CatalogColumn>(change === 'added' ? to : from))
  }
}

function rebuilding({ sql = '' }: CatalogTable, fill: Readonly<Record<string, string>>): RebuildOptions {
  return { createSql: sql, ...(Object.keys(fill).length === 0 ? {} : { fill }) }
}

function named({ columns }: CatalogTable, name: string): CatalogColumn | undefined {
  return columns.find((column) => keyOf(column.name, dialect) === keyOf(name, dialect))
}

function speaksOf(sql: string | undefined, name: string): boolean {
  return (
    sql !== undefined &&
    tokensOf(sql, dialect).some(
      ({ kind, value }) => /word|name/.test(kind) && keyOf(value, dialect) === keyOf(name, dialect),
    )
  )
}
