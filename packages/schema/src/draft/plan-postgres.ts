import type { CatalogEnum, CatalogForeignKey, CatalogTable } from '../contracts/catalog.js'
import { quoteTable } from '../sql/quote.js'
import { type Change, schemaCall, sqlCall } from './call.js'
import { foreignKeyCalls, foreignKeyDefinition, indexCall, tableDefinitionOf } from './definitions.js'
import { archived, forwardKeys, type Planning, parentsFirst, TableDifferences } from './planned.js'
import { PostgresTablePlan } from './postgres-table.js'
import { triggerChanges, viewChanges } from './views.js'

/** What makes a database of PostgreSQL the wanted one, in forms that do not keep others out for long. */
export async function planPostgres(planning: Planning): Promise<Change[]> {
  const { comparison } = planning
  const all = TableDifferences.all(comparison)
  const plans = all.flatMap((differences) => {
    const [old, made] = [comparison.actualTable(differences.table), comparison.wantedTable(differences.table)]
    return old === undefined || made === undefined ? [] : [new PostgresTablePlan(planning, differences, old, made)]
  })
  const gone = all.flatMap(({ isGone, table }) => (isGone ? (comparison.actualTable(table) ?? []) : []))
  const added = all.flatMap(({ isNew, table }) => (isNew ? (comparison.wantedTable(table) ?? []) : []))
  const changes: Change[] = []
  for (const plan of plans) changes.push(...(await plan.changes()))
  const keys = new ForeignKeys(planning, plans, added)
  changes.push(...keys.changes())
  for (const table of parentsFirst(added, 'postgres')) changes.push(...madeTable(planning, table, keys))
  const goneParents = parentsFirst(gone, 'postgres')
  for (const table of [...goneParents].reverse()) {
    const inTheWay = [...forwardKeys(goneParents, table, 'postgres'), ...keys.inTheWay(table)]
    changes.push(...goneTable(planning, table, [...new Set(inTheWay)]))
  }
  const enums = enumChanges(planning)
  const touched = [
    ...gone.map(({ name }) => name),
    ...plans.filter(({ touchesViews }) => touchesViews).map(({ name }) => name),
    ...comparison.actual.tables.filter((table) => enums.isUsedBy(table)).map(({ name }) => name),
  ]
  return [
    ...changes,
    ...enums.changes,
    ...sequenceChanges(planning),
    ...viewChanges(planning, touched),
    ...triggerChanges(planning),
  ]
}

function madeTable({ declared }: Planning, table: CatalogTable, keys: ForeignKeys): Change[] {
  const { name } = table
  const whole = declared.table(name) ?? tableDefinitionOf(table)
  const { foreignKeys = [], ...rest } = whole
  const inline = keys.isInline(table) ? { ...rest, ...(foreignKeys.length === 0 ? {} : { foreignKeys }) } : rest
  return [
    { phase: 'make table', up: [schemaCall('createTable', name, inline)], down: [schemaCall('dropTable', name)] },
    ...table.indexes.map((index): Change => {
      const definition = declared.index(name, index.name)
      const up =
        definition === undefined ? indexCall(name, index, 'postgres') : schemaCall('createIndex', name, definition)
      return { phase: 'make index', up: [up], down: [] }
    }),
  ]
}

/** @param early Keys that stand in the way of what happens before the table is dropped. */
function goneTable(
  { comparison, facts }: Planning,
  table: CatalogTable,
  early: readonly CatalogForeignKey[],
): Change[] {
  const { name, indexes } = table
  const foreignKeys = table.foreignKeys.filter((key) => !early.includes(key))
  const triggers = comparison.actual.triggers.filter((trigger) => trigger.table === name)
  const down = [
    schemaCall('createTable', name, tableDefinitionOf({ ...table, foreignKeys })),
    ...indexes.map((index) => indexCall(name, index, 'postgres')),
    ...triggers.map(({ sql }) => sqlCall(sql)),
  ]
  return [
    ...archived(name, facts.isPopulated(name)),
    ...early.map(
      (key): Change => ({
        phase: 'drop foreign key',
        up: [schemaCall('dropForeignKey', name, foreignKeyDefinition(key).name)],
        down: foreignKeyCalls(name, key),
      }),
    ),
    ...indexes.map((index): Change => ({ phase: 'drop index', up: [schemaCall('dropIndex', index.name)], down: [] })),
    { phase: 'drop table', up: [schemaCall('dropTable', name)], down },
  ]
}

/** Foreign keys of all tables: what a key refers to may change as well. */
class ForeignKeys {
  readonly #outside: Set<string>

  constructor(
    private readonly planning: Planning,
    private readonly plans: readonly PostgresTablePlan[],
    private readonly added: readonly CatalogTable[],
  ) {
    this.#outside = new Set()
    const made = new Set<string>()
    const names = new Set(added.map(({ name }) => name))
    for (const table of parentsFirst(added, 'postgres')) {
      made.add(table.name)
      const isWaiting = table.foreignKeys.some(
        (key) => (names.has(key.table) && !made.has(key.table)) || this.#needs(key) !== 'nothing',
      )
      if (isWaiting) this.#outside.add(table.name)
    }
  }

  /** Whether the keys of a new table can be made with it. */
  isInline({ name }: CatalogTable): boolean {
    return !this.#outside.has(name)
  }

  /** Of a table that goes: those to a key that goes before it does. */
  inTheWay({ name, foreignKeys }: CatalogTable): CatalogForeignKey[] {
    return foreignKeys.filter((key) => this.#isTouched(name, key))
  }

  changes(): Change[] {
    const { comparison } = this.planning
    const changes: Change[] = []
    for (const { name, foreignKeys } of this.added) {
      if (!this.#outside.has(name)) continue
      for (const key of foreignKeys) changes.push(this.#add(name, key))
    }
    const differing = comparison.differences.filter(({ object }) => object === 'foreign key')
    for (const table of comparison.actual.tables) {
      const made = comparison.wantedTable(table.name)
      // Keys of a table that goes are dropped with it.
      if (made === undefined) continue
      for (const key of table.foreignKeys) {
        const difference = differing.find(
          ({ table: of, from }) => of === table.name && from !== undefined && comparison.original(from) === key,
        )
        const isKept = difference === undefined
        if (isKept && !this.#isTouched(table.name, key)) continue
        changes.push({
          phase: 'drop foreign key',
          up: [schemaCall('dropForeignKey', table.name, foreignKeyDefinition(key).name)],
          down: foreignKeyCalls(table.name, key),
        })
        if (isKept) changes.push(this.#add(table.name, key))
      }
    }
    for (const { table = '', to } of differing)
      if (to !== undefined) changes.push(this.#add(table, comparison.original<CatalogForeignKey>(to)))
    return changes
  }

  #add(table: string, key: CatalogForeignKey): Change {
    return {
      phase: 'add foreign key',
      up: foreignKeyCalls(table, key),
      down: [schemaCall('dropForeignKey', table, foreignKeyDefinition(key).name)],
      ...(this.#needs(key) === 'late' ? { isLate: true } : {}),
    }
  }

  /** It stands in the way of a change of one of its ends. */
  #isTouched(table: string, key: CatalogForeignKey): boolean {
    const ends: [string, readonly string[]][] = [
      [table, key.columns],
      [key.table, key.references],
    ]
    return ends.some(([name, columns]) => {
      const plan = this.plans.find((each) => each.name === name)
      return (
        plan !== undefined &&
        (columns.some((column) => plan.touched.has(column)) || (name === key.table && plan.losesKey(columns)))
      )
    })
  }

  /** What must be made before the key can be. */
  #needs(key: CatalogForeignKey): 'nothing' | 'sooner' | 'late' {
    const plan = this.plans.find(({ name }) => name === key.table)
    return plan?.makesKey(key.references) ?? 'nothing'
  }
}

interface EnumChanges {
  readonly changes: Change[]
  /** Whether values of a column's type change otherwise than by new ones. */
  isUsedBy(table: CatalogTable): boolean
}

function enumChanges({ comparison }: Planning): EnumChanges {
  const changes: Change[] = []
  const remade = new Set<string>()
  for (const { object, change, name, from, to } of comparison.differences) {
    if (object !== 'enum') continue
    const [old, made] = [from, to].map((each) => (each as Pick<CatalogEnum, 'values'> | undefined)?.values)
    if (change === 'added' && made !== undefined)
      changes.push({
        phase: 'make enum',
        up: [schemaCall('createEnum', name, made)],
        down: [schemaCall('dropEnum', name)],
      })
    else if (change === 'removed' && old !== undefined)
      changes.push({
        phase: 'drop enum',
        up: [schemaCall('dropEnum', name)],
        down: [schemaCall('createEnum', name, old)],
      })
    else if (old !== undefined && made !== undefined) {
      const isOnlyMore = made.filter((value) => old.includes(value)).join('\0') === old.join('\0')
      if (!isOnlyMore) remade.add(name)
      changes.push(isOnlyMore ? moreValues(name, old, made) : otherValues(name, old, made))
    }
  }
  return { changes, isUsedBy: ({ columns }) => columns.some(({ type }) => remade.has(type.replaceAll('"', ''))) }
}

function moreValues(name: string, old: readonly string[], made: readonly string[]): Change {
  const added = made.filter((value) => !old.includes(value))
  return {
    phase: 'make enum',
    up: added.map((value) => {
      const before = made[made.indexOf(value) - 1]
      if (before !== undefined) return schemaCall('addEnumValue', name, value, { after: before })
      return schemaCall('addEnumValue', name, value, { before: old[0] ?? '' })
    }),
    down: [schemaCall('changeEnum', name, old)],
  }
}

function otherValues(name: string, old: readonly string[], made: readonly string[]): Change {
  const gone = old.filter((value) => !made.includes(value))
  const comment = `Rows with ${gone.map((value) => `'${value}'`).join(', ')} stop it: say what they become, as a third argument: { ${gone.map((value) => `'${value}': '…'`).join(', ')} }.`
  return {
    phase: 'make enum',
    up: [schemaCall('changeEnum', name, made)],
    down: [schemaCall('changeEnum', name, old)],
    ...(gone.length === 0 ? {} : { comments: [comment] }),
  }
}

function sequenceChanges({ comparison }: Planning): Change[] {
  const sqlOf = (catalog: typeof comparison.actual, name: string): string =>
    catalog.sequences.find((each) => each.name === name)?.sql ?? ''
  return comparison.differences.flatMap(({ object, change, name }): Change[] => {
    if (object !== 'sequence') return []
    const drop = sqlCall(`DROP SEQUENCE ${quoteTable(name)}`)
    if (change === 'added') return [{ phase: 'make enum', up: [sqlCall(sqlOf(comparison.wanted, name))], down: [drop] }]
    if (change === 'removed')
      return [{ phase: 'drop enum', up: [drop], down: [sqlCall(sqlOf(comparison.actual, name))] }]
    const alter = (sql: string): string => sql.replace(/^CREATE SEQUENCE/, 'ALTER SEQUENCE')
    return [
      {
        phase: 'make enum',
        up: [sqlCall(alter(sqlOf(comparison.wanted, name)))],
        down: [sqlCall(alter(sqlOf(comparison.actual, name)))],
      },
    ]
  })
}
