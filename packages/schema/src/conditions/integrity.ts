import type { Condition } from '../contracts/condition.js'
import { quoteName, quoteTable, quoteText } from '../sql/quote.js'
import { named } from './named.js'

/** SQLite's `integrity_check`, which does not look at foreign keys, and `foreign_key_check`; in PostgreSQL that no index is invalid and each foreign key holds. */
export function integrityCheck(): Condition {
  const keys = foreignKeysHold()
  return named('the database is whole', async (context) => {
    const failures: string[] = []
    if (context.dialect === 'sqlite') {
      const rows = await context.query('PRAGMA integrity_check(10)')
      failures.push(...rows.flatMap((row) => Object.values(row).map(String)).filter((said) => said !== 'ok'))
    } else {
      const { tables } = await context.catalog()
      const invalid = tables.flatMap(({ indexes }) => indexes.filter(({ isValid }) => !isValid).map(({ name }) => name))
      if (invalid.length > 0) failures.push(`invalid indexes: ${invalid.join(', ')}`)
    }
    const broken = await keys(context)
    if (typeof broken === 'string') failures.push(broken)
    return failures.length === 0 ? undefined : failures.join('; ')
  })
}

/** No row refers to one that is not there: of all tables, or of the named ones. */
export function foreignKeysHold(...tables: readonly string[]): Condition {
  return named(
    `foreign keys hold${tables.length === 0 ? '' : ` in ${tables.join(', ')}`}`,
    async ({ dialect, query, catalog }) => {
      if (dialect === 'sqlite') {
        const rows = await query(
          'SELECT "table", parent, count(*) AS rows FROM pragma_foreign_key_check GROUP BY "table", parent',
        )
        const asked = rows.filter((row) => tables.length === 0 || tables.some((table) => same(table, row.table)))
        return asked.length === 0
          ? undefined
          : asked
              .map(
                (row) => `${String(row.rows)} rows of ${String(row.table)} refer to nothing in ${String(row.parent)}`,
              )
              .join('; ')
      }
      const found = await catalog()
      const asked = found.tables.filter(({ name }) => tables.length === 0 || tables.includes(name))
      const checks = asked.flatMap((table) =>
        table.foreignKeys.map((key) => {
          const on = key.columns.map(
            (column, at) => `child.${quoteName(column)} = parent.${quoteName(key.references[at] ?? '')}`,
          )
          const given = key.columns.map((column) => `child.${quoteName(column)} IS NOT NULL`)
          const said = quoteText(
            `${table.name} refer to nothing in ${key.table} (${key.name ?? key.columns.join(', ')})`,
          )
          return `SELECT ${said} AS key, count(*) AS rows FROM ${quoteTable(table.name)} AS child
WHERE ${given.join(' AND ')} AND NOT EXISTS (SELECT FROM ${quoteTable(key.table)} AS parent WHERE ${on.join(' AND ')})`
        }),
      )
      if (checks.length === 0) return undefined
      const rows = (await query(checks.join('\nUNION ALL\n'))).filter((row) => Number(row.rows) > 0)
      return rows.length === 0
        ? undefined
        : rows.map((row) => `${String(row.rows)} rows of ${String(row.key)}`).join('; ')
    },
  )
}

function same(a: string, b: unknown): boolean {
  return a.toLowerCase() === String(b).toLowerCase()
}
