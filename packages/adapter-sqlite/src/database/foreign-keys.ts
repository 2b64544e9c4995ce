import type { ForeignKey, ReferentialAction } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { findColumn, sameName, type Table } from '../schema/table.js'

/** A foreign key as a table declares it. */
export interface DeclaredKey extends ForeignKey {
  /** SQLite's number of it, within its table. */
  readonly id: number
}

/** The foreign keys of a table. SQLite says of none whether it is deferred, but in the table's own text. */
export async function readForeignKeys(
  connection: SqliteConnection,
  table: Table,
  all: readonly Table[],
): Promise<{ readonly foreignKeys: readonly ForeignKey[]; readonly note: string | null }> {
  const declared = await declaredKeys(connection, table, all)
  const [ddl] = (await connection.get(`SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?`, [
    table.name,
  ])) as [string]
  const deferred = ddl.match(/(?<!\bNOT\s+DEFERRABLE\s+)\bINITIALLY\s+DEFERRED\b/gi)?.length ?? 0
  const isDeferred = deferred > 0 && deferred === declared.length
  return {
    foreignKeys: declared.map(({ id: _, ...key }) => ({ ...key, ...(isDeferred ? { isDeferred } : {}) })),
    note:
      deferred === 0 || isDeferred
        ? null
        : 'some of its foreign keys are deferred and SQLite does not say which: none is in the copy.',
  }
}

/** With the names of tables and columns as those are declared, where they are there. */
export async function declaredKeys(
  connection: SqliteConnection,
  table: Table,
  all: readonly Table[],
): Promise<readonly DeclaredKey[]> {
  const rows = await connection.all(
    `SELECT id, "table", "from", "to", on_delete, on_update FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq`,
    [table.name],
  )
  const keys = new Map<number, (typeof rows)[number][]>()
  for (const row of rows) keys.set(Number(row[0]), [...(keys.get(Number(row[0])) ?? []), row])
  return [...keys].map(([id, parts]) => {
    const [, named, , , onDelete, onUpdate] = parts[0] as [number, string, string, string | null, string, string]
    const parent = all.find(({ name }) => sameName(name, named))
    return {
      id,
      columns: parts.map((part) => columnOf(table, String(part[2]))),
      references: parent?.name ?? named,
      // Without columns it is the primary key.
      referencedColumns: parts.map((part, i) =>
        part[3] === null ? (parent?.primaryKey[i] ?? '') : columnOf(parent, String(part[3])),
      ),
      ...action('onDelete', onDelete),
      ...action('onUpdate', onUpdate),
    }
  })
}

function columnOf(table: Table | undefined, name: string): string {
  return (table && findColumn(table.columns, name)?.name) ?? name
}

function action(when: 'onDelete' | 'onUpdate', declared: string): Partial<Record<typeof when, ReferentialAction>> {
  return declared === 'NO ACTION' ? {} : { [when]: declared.toLowerCase() as ReferentialAction }
}
