import type { CatalogView } from '../contracts/catalog.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { type Call, type Change, schemaCall, sqlCall } from './call.js'
import { keyOf } from './comparison.js'
import { type Planning, viewsReading } from './planned.js'

/** Views that differ, and those that stand in the way of what happens to the tables they read: dropped before it and made behind it. */
export function viewChanges({ comparison, declared }: Planning, touched: Iterable<string>): Change[] {
  const { actual, wanted, differences, scope } = comparison
  const { dialect } = actual
  const key = (name: string): string => keyOf(name, dialect)
  const differing = (...changes: readonly string[]): Set<string> =>
    new Set(
      differences.flatMap(({ object, change, name }) => (object === 'view' && changes.includes(change) ? name : [])),
    )
  const dropped = differing('removed', 'changed')
  const inTheWay = viewsReading(actual, [
    ...touched,
    ...actual.views.map(({ name }) => name).filter((name) => dropped.has(key(name))),
  ])
  const gone = actual.views.filter(({ name }) => dropped.has(key(name)) || inTheWay.has(name))
  const made = differing('added', 'changed')
  const goneKeys = new Set(gone.map(({ name }) => key(name)))
  const remaining = scope.views ? wanted.views : actual.views
  const back = remaining.filter(({ name }) => made.has(key(name)) || goneKeys.has(key(name)))
  const make = (view: CatalogView): Call => {
    const sql = declared.view(view.name)
    return sql === undefined ? sqlCall(view.sql) : schemaCall('createView', view.name, sql)
  }
  const drop = (view: CatalogView): Call =>
    view.isMaterialized ? sqlCall(`DROP MATERIALIZED VIEW ${quoteTable(view.name)}`) : schemaCall('dropView', view.name)
  return [
    ...[...gone].reverse().map((view): Change => ({ phase: 'drop view', up: [drop(view)], down: [sqlCall(view.sql)] })),
    ...back.map((view): Change => ({ phase: 'make view', up: [make(view)], down: [drop(view)] })),
  ]
}

/** Triggers of another database. Their functions are not compared. */
export function triggerChanges({ comparison }: Planning): Change[] {
  const { actual, wanted, differences } = comparison
  const { dialect } = actual
  return differences.flatMap(({ object, change, name, table = '' }): Change[] => {
    if (object !== 'trigger') return []
    const of = ({ triggers }: typeof actual): string | undefined =>
      triggers.find((each) => keyOf(each.name, dialect) === name && keyOf(each.table, dialect) === table)?.sql
    const [old, made] = [of(actual), of(wanted)]
    const on = dialect === 'postgres' ? ` ON ${quoteTable(table)}` : ''
    const drop = sqlCall(`DROP TRIGGER ${quoteName(name)}${on}`)
    return [
      ...(old === undefined || change === 'added'
        ? []
        : [{ phase: 'drop trigger' as const, up: [drop], down: [sqlCall(old)] }]),
      ...(made === undefined || change === 'removed'
        ? []
        : [{ phase: 'make trigger' as const, up: [sqlCall(made)], down: [drop] }]),
    ]
  })
}
