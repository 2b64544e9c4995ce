import type { PostgresConnection } from '../../connection/postgres-connection.js'
import { quoteText } from '../../connection/quote-name.js'
import type { StateTables } from '../../state/state-tables.js'
import type { SecondaryIndex } from './secondary-index.js'

/** An index that is off. */
export interface StoredIndex {
  readonly ordinal: number
  readonly name: string
  /** False if its table is gone: the partition that it was of. */
  readonly hasTable: boolean
  readonly definition: string
  readonly restore: string
}

/** Keeps what indexes were like that are off, by the table that is written to. */
export class IndexStore {
  constructor(private readonly tables: StateTables) {}

  /** In a transaction: one process at a time takes indexes of a table off, or builds one again. */
  async lock(connection: PostgresConnection, target: string): Promise<void> {
    await connection.query('SELECT pg_catalog.pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `drover indexes ${target}`,
    ])
  }

  async add(connection: PostgresConnection, target: string, indexes: readonly SecondaryIndex[]): Promise<void> {
    await connection.query(
      `INSERT INTO ${this.tables.indexes} (target, name, table_name, definition, restore)
       SELECT $1, f.name, f.table_name, f.definition, f.restore
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS f(name, table_name, definition, restore, place)
       ORDER BY f.place
       ON CONFLICT (name) DO UPDATE SET target = excluded.target, table_name = excluded.table_name, definition = excluded.definition, restore = excluded.restore,
         dropped_at = excluded.dropped_at`,
      [
        target,
        indexes.map(({ name }) => name),
        indexes.map(({ table }) => table),
        indexes.map(({ definition }) => definition),
        indexes.map(({ restore }) => restore),
      ],
    )
  }

  /** The next one to be built. @param after Those up to this one are left out. */
  async next(connection: PostgresConnection, target: string, after: number): Promise<StoredIndex | undefined> {
    const { rows } = await connection.query<StoredIndex>(
      `SELECT ordinal, name, pg_catalog.to_regclass(table_name) IS NOT NULL AS "hasTable", definition, restore FROM ${this.tables.indexes} WHERE target = $1 AND ordinal > $2 ORDER BY ordinal LIMIT 1`,
      [target, after],
    )
    return rows[0]
  }

  /** Names of those that are off, and have not been built by somebody else. */
  async missing(connection: PostgresConnection, target: string): Promise<readonly string[]> {
    const { rows } = await connection.query<{ name: string }>(
      `SELECT name FROM ${this.tables.indexes} WHERE target = $1 AND pg_catalog.to_regclass(name) IS NULL ORDER BY ordinal`,
      [target],
    )
    return rows.map(({ name }) => name)
  }

  /** SQL that forgets one. */
  forget({ ordinal }: StoredIndex): string {
    return `DELETE FROM ${this.tables.indexes} WHERE ordinal = ${ordinal}`
  }

  /** For psql: what gives them back by hand. */
  byHand(target: string): string {
    return `SELECT restore FROM ${this.tables.indexes} WHERE target = ${quoteText(target)} ORDER BY ordinal \\gexec`
  }
}
