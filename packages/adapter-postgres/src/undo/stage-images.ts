import { DroverError } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import { findColumn, type Table } from '../schema/table.js'
import type { ConflictPolicy } from '../sink/conflict.js'
import { codeSql, type ImageShape, imageShape, keySql, rowSql, wholeRow } from './image-shape.js'
import type { Journal } from './journal.js'

/** What a merge keeps of the rows that it changes: whole rows, so that the first image of a row is all that is needed. */
export class StageImages {
  readonly #shape: ImageShape
  /** Of the target, in the order of the key. */
  readonly #key: readonly string[]
  #made = 0

  /** @throws `SINK_NOT_READY` if no key says which rows are which */
  constructor(
    private readonly journal: Journal,
    private readonly table: Table,
    policy: ConflictPolicy,
    wanted: readonly string[] | undefined,
    where: string,
  ) {
    const own = table.primaryKey.length > 0 ? table.primaryKey : (table.uniqueKeys[0] ?? [])
    this.#key = policy.key.length > 0 ? policy.key : (wanted ?? own)
    const columns = this.#key.flatMap((name) => findColumn(table.columns, name) ?? [])
    const isKey = table.uniqueKeys.some((unique) => unique.every((name) => this.#key.includes(name)))
    if (columns.length === 0 || !isKey || columns.some(({ isNullable }) => isNullable)) {
      throw new DroverError(
        'SINK_NOT_READY',
        `${where} cannot be written with undo: it has no primary key, and no unique index over columns that cannot be null, by which rows would be found again. Give it one, or leave out undo.`,
      )
    }
    this.#shape = imageShape(table, columns, wholeRow(table))
  }

  /** What RETURNING has to give. */
  get returned(): string {
    return `${keySql(this.#shape)} AS drover_key, ${codeSql(this.#shape)} AS drover_after`
  }

  /** Locks the rows that rows of the stage will meet, and keeps them; gives the table where. It must come before the merge, as a statement of its own. */
  keepSql(stage: string): { readonly sql: string; readonly kept: string } {
    const name = `drover_images_${++this.#made}`
    const { sql, name: own } = this.table
    const same = this.#key.map((column) => `drover_s.${quoteName(column)} = ${quoteName(own)}.${quoteName(column)}`)
    return {
      kept: `pg_temp.${name}`,
      sql: `CREATE TEMPORARY TABLE ${name} (drover_key text, drover_image text) ON COMMIT DROP;
        INSERT INTO pg_temp.${name} SELECT ${keySql(this.#shape)}, ${rowSql(this.#shape)} FROM ${sql}
        WHERE EXISTS (SELECT FROM ${stage} AS drover_s WHERE ${same.join(' AND ')}) FOR UPDATE OF ${quoteName(own)}`,
    }
  }

  /**
   * @param written The relation that has {@link returned}.
   * @param kept Null if all of them were inserted.
   */
  insertSql(written: string, kept: string | null): string {
    const from =
      kept === null
        ? `(SELECT drover_key, NULL::text AS drover_image, drover_after FROM ${written})`
        : `(SELECT w.drover_key, i.drover_image, w.drover_after FROM ${written} AS w LEFT JOIN ${kept} AS i USING (drover_key))`
    return this.journal.insertSql(this.#shape, `${from} AS drover_f`)
  }
}
