import { DroverError } from '@drover/core'
import { sqliteTableSql } from '../../catalog/sqlite-table-sql.js'
import type { Catalog, CatalogIndex, CatalogTable } from '../../contracts/catalog.js'
import type { RebuildOptions } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteText } from '../../sql/quote.js'
import { withoutQualifier, withSureNames } from '../../sql/sure-names.js'
import { leavesBroken, refuseBroken, refuseKeyless, saidBy } from './dependents.js'
import { newTableText } from './new-table-text.js'
import { createSql, rowidColumn, tableText } from './table-text.js'

/**
 * Makes a table anew, as https://www.sqlite.org/lang_altertable.html says in twelve steps: a new table takes the rows, the old one goes, and the new one
 * gets its name, its indexes and its triggers. What the new definition does not speak of stays as it was written.
 *
 * Other tables' foreign keys, views and triggers keep speaking of the old name all the time, which then is the new table's: with
 * `legacy_alter_table` a RENAME leaves them alone.
 */
export async function rebuildInSqlite(steps: Steps, name: string, options: RebuildOptions): Promise<void> {
  const by = `rebuildTable ${name}`
  if (!steps.isInTransaction) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: a table is made anew in one transaction; put it into a revision of its own without transaction: 'none'.`,
    )
  }
  if (steps.foreignKeys === 'on') {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: foreign keys are on, so dropping the old table would delete what refers to its rows. They are switched off for a revision whose preview shows the rebuild: call it without a condition on what was read.`,
    )
  }
  const run = async (sql: string): Promise<void> => void (await steps.run(sql, { by }))
  for (const [from, to] of Object.entries(options.rename ?? {})) {
    // SQLite renames a column in views, triggers, indexes and other tables' keys, too.
    await run(`ALTER TABLE ${quoteName(name)} RENAME COLUMN ${quoteName(from)} TO ${quoteName(to)}`)
  }
  const catalog = await steps.catalog()
  if (catalog === null) {
    steps.unseen(
      `the statements that make ${name} anew follow from the table as it is then: ${JSON.stringify(options)}`,
      by,
    )
    return
  }
  const table = tableNamed(catalog, name)
  if (table === undefined) throw new DroverError('NAME_UNKNOWN', `${by}: there is no table ${name}.`)
  await new Rebuild(steps, catalog, table, options, by).run()
}

class Rebuild {
  readonly #new: string

  constructor(
    private readonly steps: Steps,
    private readonly catalog: Catalog,
    private readonly table: CatalogTable,
    private readonly options: RebuildOptions,
    private readonly by: string,
  ) {
    this.#new = `drover_new_${table.name}`
  }

  async run(): Promise<void> {
    const { table, options, catalog, steps } = this
    const triggers = catalog.triggers.filter((trigger) => same(trigger.table, table.name))
    const written = this.#createSql()
    const gone = this.#gone(written)
    const sql = withSureNames(written, gone)
    await this.#run(sql)
    await this.#copy(sql)
    await this.#keepSequence(sql)
    await this.#compare()
    await this.#swap()
    for (const index of table.indexes) await this.#index(index, gone)
    for (const trigger of triggers) await this.#run(trigger.sql)
    const now = await steps.catalog()
    if (now !== null) {
      await refuseBroken(steps, this.by, now, table.name, gone)
      refuseKeyless(this.by, catalog, now, table.name)
    }
    steps.note(
      `${table.name} was made anew${options.keepOldAs === undefined ? '' : `; the old one is ${options.keepOldAs}`}.`,
    )
  }

  /** Its own definition with the changes, or the whole of a given one, under the name that it has for now. */
  #createSql(): string {
    const { table, options, by } = this
    const old = tableText(options.createSql ?? table.sql ?? '')
    const text = options.createSql === undefined ? newTableText(by, old, options) : old
    return withoutQualifier(createSql(quoteName(this.#new), text), table.name)
  }

  /** Columns that the new table does not have. */
  #gone(sql: string): string[] {
    const kept = sqliteTableSql(sql).columns
    return this.table.columns.map(({ name }) => name).filter((name) => !kept.has(name.toLowerCase()))
  }

  async #copy(sql: string): Promise<void> {
    const { table, options } = this
    const written = sqliteTableSql(sql)
    const fill = new Map(
      Object.entries(options.fill ?? {}).map(([column, expression]) => [column.toLowerCase(), expression]),
    )
    const unknown = [...fill.keys()].filter((column) => !written.columns.has(column))
    if (unknown.length > 0)
      throw new DroverError(
        'NAME_UNKNOWN',
        `${this.by}: fill names ${unknown.join(', ')}, which the new table does not have.`,
      )
    const into: string[] = []
    const from: string[] = []
    for (const { column, pieces } of tableText(sql).definitions) {
      if (column === undefined || pieces.some(({ kind }) => kind === 'generated')) continue
      const old = table.columns.find((each) => same(each.name, column))
      const expression = fill.get(column.toLowerCase()) ?? (old === undefined ? undefined : quoteName(old.name))
      if (expression === undefined) continue
      into.push(quoteName(column))
      from.push(expression)
    }
    const rowid = this.#rowid(sql)
    if (rowid !== undefined) {
      into.unshift(rowid)
      from.unshift(rowid)
    }
    await this.#run(
      `INSERT INTO ${quoteName(this.#new)} (${into.join(', ')}) SELECT ${from.join(', ')} FROM ${quoteName(table.name)}`,
    )
  }

  /** Rows keep their number, which full-text tables and the like refer to. It has a name unless columns took all of them. */
  #rowid(sql: string): string | undefined {
    const { table } = this
    const isWithout = (text: string): boolean => tableText(text).options.includes('WITHOUT ROWID')
    if (table.isWithoutRowid === true || isWithout(sql)) return undefined
    const columns = [...table.columns.map(({ name }) => name.toLowerCase()), ...sqliteTableSql(sql).columns.keys()]
    if (rowidColumn(tableText(sql)) !== undefined) return undefined
    return ['rowid', '_rowid_', 'oid'].find((name) => !columns.includes(name))
  }

  /** AUTOINCREMENT never gives a number twice, also if the rows that had the last ones are gone. */
  async #keepSequence(sql: string): Promise<void> {
    if (!sqliteTableSql(sql).hasAutoincrement) return
    const [from, to] = [quoteText(this.table.name, 'sqlite'), quoteText(this.#new, 'sqlite')]
    if (!this.table.columns.some(({ identity }) => identity === 'autoincrement')) return
    await this.#run(`DELETE FROM sqlite_sequence WHERE name = ${to}`)
    await this.#run(
      `INSERT INTO sqlite_sequence (name, seq) SELECT ${to}, seq FROM sqlite_sequence WHERE name = ${from}`,
    )
  }

  async #compare(): Promise<void> {
    const { steps, table, by } = this
    const [counted] = await steps.read(
      `SELECT (SELECT count(*) FROM ${quoteName(table.name)}) AS old, (SELECT count(*) FROM ${quoteName(this.#new)}) AS new`,
    )
    if (counted === undefined || Number(counted.old) === Number(counted.new)) return
    throw new DroverError(
      'LOSS_REFUSED',
      `${by}: of ${String(counted.old)} rows ${String(counted.new)} are in the new table. Nothing of it stays.`,
    )
  }

  async #swap(): Promise<void> {
    const { table, catalog, options } = this
    const { keepOldAs } = options
    const old = quoteName(table.name)
    await this.#run('PRAGMA legacy_alter_table = ON')
    if (keepOldAs === undefined) await this.#run(`DROP TABLE ${old}`)
    else {
      // Its indexes and triggers would keep the names that the new table's must have.
      for (const { name } of table.indexes) await this.#run(`DROP INDEX ${quoteName(name)}`)
      for (const trigger of catalog.triggers)
        if (same(trigger.table, table.name)) await this.#run(`DROP TRIGGER ${quoteName(trigger.name)}`)
      await this.#run(`ALTER TABLE ${old} RENAME TO ${quoteName(keepOldAs)}`)
    }
    await this.#run(`ALTER TABLE ${quoteName(this.#new)} RENAME TO ${old}`)
    await this.#run('PRAGMA legacy_alter_table = OFF')
  }

  async #index({ name, sql }: CatalogIndex, gone: readonly string[]): Promise<void> {
    try {
      await this.#run(withSureNames(sql, gone))
    } catch (error) {
      // Rows that a unique index refuses are said by the store.
      if (!/no such column/.test(saidBy(error))) throw error
      throw leavesBroken(this.by, [`the index ${name} (${saidBy(error)})`])
    }
  }

  async #run(sql: string): Promise<void> {
    await this.steps.run(sql, { by: this.by })
  }
}

function tableNamed({ tables }: Catalog, name: string): CatalogTable | undefined {
  return tables.find((table) => same(table.name, name))
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
