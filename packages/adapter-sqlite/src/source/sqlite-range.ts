import type { SqliteDriver } from '../connection/sqlite-connection.js'
import type { Affinity } from '../schema/affinity.js'
import { keyColumns } from './key-range.js'
import { type PageBounds, whereOf } from './page-query.js'
import type { TextEncoding } from './read-carefully.js'
import type { ReadColumn, Relation } from './relation.js'
import type { Sql } from './sql.js'

/** What a reader names if it copies ranges of an attached file: two drivers are two copies of SQLite, which must not share one. */
export function rangeForm(driver: SqliteDriver): string {
  return `sqlite-range/${driver}`
}

/** What a reader names that asks for nothing but where pages end. */
export const extentForm = 'sqlite-extent'

/**
 * The records of a page as a range of keys in their database. A sink that has the file attached copies them by
 * `INSERT … SELECT` and checks that as many rows came as the page counts; if others write to the source meanwhile it may differ,
 * and then the page is read again, as rows.
 *
 * ```sql
 * INSERT INTO main.copy (a, b) SELECT <columns> FROM src.<relation> WHERE <where> ORDER BY <order>
 * ```
 */
export class SqliteRange {
  /**
   * @param path The whole path of the database's file, for ATTACH.
   * @param bounds From the end of the page before to the page's own last key.
   */
  constructor(
    readonly path: string,
    readonly encoding: TextEncoding,
    private readonly source: Relation,
    private readonly bounds: PageBounds,
  ) {}

  /** Table or view, quoted, without a schema before it. */
  get relation(): string {
    return this.source.sql
  }

  /** Names of the fields of a record, in order. */
  get columns(): readonly string[] {
    return this.#fields.map(({ name }) => name)
  }

  /** Of each column. */
  get affinities(): readonly Affinity[] {
    return this.#fields.map(({ affinity }) => affinity)
  }

  get where(): Sql {
    return whereOf(this.source, this.bounds)
  }

  /** What comes behind ORDER BY. */
  get order(): string {
    return keyColumns(this.source).join(', ')
  }

  /** This range and the one right behind it as one; null if that one stands somewhere else. */
  joined(next: SqliteRange): SqliteRange | null {
    const isNext = next.source === this.source && next.bounds.after === this.bounds.upto
    return isNext
      ? new SqliteRange(this.path, this.encoding, this.source, { ...this.bounds, upto: next.bounds.upto })
      : null
  }

  get #fields(): readonly ReadColumn[] {
    return this.source.reads.slice(0, this.source.fields)
  }
}
