import type { Catalog } from '../contracts/catalog.js'
import { quoteName } from '../sql/quote.js'

/** More than a process that was at work before the restore can have taken meanwhile. */
const fencesBetween = 1000

/**
 * The statement that lets go of what was held when a backup was made, by a migrator that made it first of all: the holder has nothing to do with a
 * database that was restored. Fences are raised, so that whoever still works with an older one is refused. Null if the database has no state of Drover.
 */
export function releaseLeases({ dialect, tables }: Catalog, prefix: string): string | null {
  const asked = `${prefix}partitions`
  const table = tables.find(({ name, columns }) => {
    const bare = dialect === 'postgres' ? name.slice(name.indexOf('.') + 1) : name
    return (
      bare === asked &&
      ['holder', 'expires_at', 'fence'].every((each) => columns.some((column) => column.name === each))
    )
  })
  if (table === undefined) return null
  const name = dialect === 'postgres' ? table.name.split('.').map(quoteName).join('.') : quoteName(table.name)
  return `UPDATE ${name} SET holder = NULL, expires_at = NULL, fence = fence + ${fencesBetween}`
}
