import { DroverError } from '@drover/core'
import type { ColumnDefinition, RebuildOptions } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { Cursor } from '../../sql/cursor.js'
import { quoteName, quoteTable, quoteText } from '../../sql/quote.js'
import { columnSql, columnType, defaultSql } from '../column-sql.js'
import { tableNamed } from '../tables.js'
import { leavesBroken, saidBy } from './dependents.js'
import { readExtras, restoreExtras } from './postgres-extras.js'
import { type PostgresConstraint, type PostgresTable, readColumns, readPostgresTable } from './postgres-table.js'
import { ViewsAside } from './postgres-views.js'
import { besideTable, shortName } from './short-name.js'

/**
 * Makes a table of PostgreSQL anew. The old one is renamed, a new one with its name takes the rows, and then all that hung on the old one: keys,
 * constraints, indexes, foreign keys in both directions, triggers, views, sequences, rights and comments. What it cannot take over is refused. Nobody can
 * use the table until the revision is through.
 */
export async function rebuildInPostgres(steps: Steps, name: string, options: RebuildOptions): Promise<void> {
  const by = `rebuildTable ${name}`
  if (!steps.isInTransaction) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: a table is made anew in one transaction; put it into a revision of its own without transaction: 'none'.`,
    )
  }
  for (const [from, to] of Object.entries(options.rename ?? {})) {
    // PostgreSQL renames a column in views, indexes and constraints, too.
    await steps.run(`ALTER TABLE ${quoteTable(name)} RENAME COLUMN ${quoteName(from)} TO ${quoteName(to)}`, { by })
  }
  if (steps.isPreview) {
    const about = `the statements that make ${name} anew follow from the table as it is then: ${JSON.stringify(options)}`
    return steps.unseen(about, by)
  }
  await steps.run(`LOCK TABLE ${quoteTable(name)} IN ACCESS EXCLUSIVE MODE`, { by })
  const table = await readPostgresTable(steps, by, name)
  await new PostgresRebuild(steps, name, table, options, by).run()
}

class PostgresRebuild {
  readonly #table: string
  readonly #oldName: string
  readonly #old: string
  readonly #dropped: ReadonlySet<string>

  constructor(
    private readonly steps: Steps,
    private readonly name: string,
    private readonly known: PostgresTable,
    private readonly options: RebuildOptions,
    private readonly by: string,
  ) {
    this.#table = quoteTable(name)
    const schema = name.slice(0, name.lastIndexOf('.') + 1)
    const kept = options.keepOldAs
    this.#oldName =
      kept === undefined ? besideTable(name, 'postgres', (bare) => `drover_old_${bare}`) : bareIn(schema, kept)
    this.#old = quoteTable(this.#oldName)
    this.#dropped = new Set(
      Object.entries(options.columns ?? {}).flatMap(([column, definition]) => (definition === null ? [column] : [])),
    )
  }

  async run(): Promise<void> {
    const { steps, by, known, options } = this
    this.#refuseUnknown()
    const carried = this.#carried()
    const extras = await readExtras(steps, this.#table)
    const catalog = await steps.catalog()
    const view = catalog === null ? undefined : tableNamed(catalog, this.name)?.name
    const views = catalog === null || view === undefined ? undefined : await ViewsAside.drop(steps, by, catalog, [view])
    for (const { table, name } of known.incoming)
      await this.#run(`ALTER TABLE ${table} DROP CONSTRAINT ${quoteName(name)}`)
    await this.#putAside()
    if (options.createSql === undefined) await this.#createLike()
    else await this.#run(renamed(by, options.createSql, this.#table))
    await this.#copy()
    await this.#compare()
    await this.#takeSequences()
    for (const constraint of carried.filter(({ kind }) => kind !== 'f')) await this.#add(constraint)
    await this.#more()
    for (const { name, sql } of known.indexes.filter(({ isValid }) => isValid))
      await this.#attempt(`the index ${name}`, sql)
    for (const { name, sql } of known.statistics) await this.#attempt(`the statistics ${name}`, sql)
    if (known.clusteredBy !== undefined)
      await this.#run(`ALTER TABLE ${this.#table} CLUSTER ON ${quoteName(known.clusteredBy)}`)
    await restoreExtras(steps, by, 'TABLE', this.#table, extras)
    await this.#leaveOld()
    for (const constraint of carried.filter(({ kind }) => kind === 'f')) await this.#add(constraint)
    for (const { table, name, sql } of known.incoming) {
      await this.#attempt(
        `the foreign key ${name} of ${table}`,
        `ALTER TABLE ${table} ADD CONSTRAINT ${quoteName(name)} ${sql}`,
      )
    }
    await views?.restore()
    await this.#triggers()
    await this.#comments()
    const invalid = known.indexes.filter(({ isValid }) => !isValid).map(({ name }) => name)
    steps.note(
      `${this.name} was made anew${options.keepOldAs === undefined ? '' : `; the old one is ${this.#oldName}`}${invalid.length === 0 ? '' : `; left out, because they were not valid: ${invalid.join(', ')}`}.`,
    )
  }

  #refuseUnknown(): void {
    const { known, options, by } = this
    const columns = new Set(known.columns.map(({ name }) => name))
    const gone = [...this.#dropped].filter((column) => !columns.has(column))
    if (gone.length > 0) throw new DroverError('NAME_UNKNOWN', `${by}: there is no column ${gone.join(', ')} to drop.`)
    const constraints = new Set(known.constraints.map(({ name }) => name))
    const missing = (options.dropConstraints ?? []).filter((name) => !constraints.has(name))
    if (missing.length > 0)
      throw new DroverError('NAME_UNKNOWN', `${by}: there is no constraint ${missing.join(', ')}.`)
  }

  /** Constraints of the old table that the new one has, too. Those of dropped columns alone go with them. */
  #carried(): readonly PostgresConstraint[] {
    const { known, options, by } = this
    if (options.createSql !== undefined) return []
    const isDropped = (column: string): boolean => this.#dropped.has(column)
    const carried = known.constraints.filter(
      ({ name, kind, columns }) =>
        options.dropConstraints?.includes(name) !== true &&
        !(kind === 'p' && options.primaryKey !== undefined) &&
        !(columns.length > 0 && columns.every(isDropped)),
    )
    const broken = carried.filter(({ columns }) => columns.some(isDropped))
    if (broken.length > 0)
      throw leavesBroken(
        by,
        broken.map(({ name }) => `the constraint ${name}`),
      )
    return carried
  }

  /** Its name, and those of what must have a name of its own in the schema, are free then. */
  async #putAside(): Promise<void> {
    const { known, options } = this
    const prefix = this.#oldName.slice(this.#oldName.lastIndexOf('.') + 1)
    const schema = this.name.slice(0, this.name.lastIndexOf('.') + 1)
    await this.#run(`ALTER TABLE ${this.#table} RENAME TO ${quoteName(prefix)}`)
    for (const name of known.indexNames) {
      await this.#run(
        `ALTER INDEX ${quoteTable(`${schema}${name}`)} RENAME TO ${quoteName(shortName(`${prefix}_${name}`))}`,
      )
    }
    for (const { name } of known.statistics) await this.#run(`DROP STATISTICS ${quoteTable(`${schema}${name}`)}`)
    for (const { relation, name, isIdentity } of known.sequences) {
      if (!isIdentity && options.createSql === undefined) continue
      await this.#run(`ALTER SEQUENCE ${relation} RENAME TO ${quoteName(shortName(`${prefix}_${name}`))}`)
    }
  }

  async #createLike(): Promise<void> {
    const { known, options, steps } = this
    const including = [
      'DEFAULTS',
      'GENERATED',
      'IDENTITY',
      'STORAGE',
      ...(steps.version >= 140_000 ? ['COMPRESSION'] : []),
    ]
    const settings = known.options.length === 0 ? '' : ` WITH (${known.options.map(option).join(', ')})`
    await this.#run(
      `CREATE ${known.isUnlogged ? 'UNLOGGED ' : ''}TABLE ${this.#table} (LIKE ${this.#old} ${including.map((what) => `INCLUDING ${what}`).join(' ')})${settings}`,
    )
    for (const [column, definition] of Object.entries(options.columns ?? {})) {
      const before = known.columns.find(({ name }) => name === column)
      if (definition === null)
        await this.#attempt(`what needs ${column}`, `ALTER TABLE ${this.#table} DROP COLUMN ${quoteName(column)}`)
      else if (before === undefined) await this.#alter(`ADD COLUMN ${columnSql(column, definition, 'postgres')}`)
      else await this.#change(column, definition)
    }
    for (const { name, settings: some } of known.columns) {
      if (this.#dropped.has(name)) continue
      for (const setting of some) await this.#alter(`ALTER COLUMN ${quoteName(name)} ${setting}`)
    }
  }

  async #change(column: string, definition: ColumnDefinition): Promise<void> {
    const { type, nullable = true, default: initial, collation } = definition
    const name = `ALTER COLUMN ${quoteName(column)}`
    const counted = this.known.sequences.find((sequence) => sequence.column === column)
    if (counted === undefined || initial !== undefined) await this.#alter(`${name} DROP DEFAULT`)
    await this.#alter(
      `${name} TYPE ${columnType(type, 'postgres')}${collation === undefined ? '' : ` COLLATE ${quoteTable(collation)}`}`,
    )
    if (initial !== undefined && initial !== null)
      await this.#alter(`${name} SET DEFAULT ${defaultSql(initial, 'postgres')}`)
    if (counted?.isIdentity !== true) await this.#alter(`${name} ${nullable ? 'DROP' : 'SET'} NOT NULL`)
  }

  async #copy(): Promise<void> {
    const { options, known, steps, by } = this
    const [found] = await steps.read(`SELECT ${quoteText(this.#table, 'postgres')}::regclass::oid::int8 AS id`)
    const columns = await readColumns(steps, String(found?.id))
    const fill = options.fill ?? {}
    const unknown = Object.keys(fill).filter((column) => !columns.some(({ name }) => name === column))
    if (unknown.length > 0) {
      throw new DroverError(
        'NAME_UNKNOWN',
        `${by}: fill names ${unknown.join(', ')}, which the new table does not have.`,
      )
    }
    const into: string[] = []
    const from: string[] = []
    for (const { name, isGenerated } of columns) {
      const isOld = known.columns.some((column) => column.name === name)
      const expression = fill[name] ?? (isOld ? this.#converted(name) : undefined)
      if (isGenerated || expression === undefined) continue
      into.push(quoteName(name))
      from.push(expression)
    }
    await this.#run(
      `INSERT INTO ${this.#table} (${into.join(', ')}) OVERRIDING SYSTEM VALUE SELECT ${from.join(', ')} FROM ${this.#old}`,
    )
  }

  #converted(column: string): string {
    const definition = this.options.columns?.[column]
    const name = quoteName(column)
    return definition === undefined || definition === null
      ? name
      : `CAST(${name} AS ${columnType(definition.type, 'postgres')})`
  }

  async #compare(): Promise<void> {
    const [counted] = await this.steps.read(
      `SELECT (SELECT count(*) FROM ${this.#old}) AS old, (SELECT count(*) FROM ${this.#table}) AS new`,
    )
    if (counted !== undefined && Number(counted.old) === Number(counted.new)) return
    throw new DroverError(
      'LOSS_REFUSED',
      `${this.by}: of ${String(counted?.old)} rows ${String(counted?.new)} are in the new table. Nothing of it stays.`,
    )
  }

  /** Numbers go on where they were, and nothing that was given is given again. */
  async #takeSequences(): Promise<void> {
    const { known, options, steps, by } = this
    const prefix = this.#oldName.slice(this.#oldName.lastIndexOf('.') + 1)
    const schema = this.name.slice(0, this.name.lastIndexOf('.') + 1)
    for (const { name, relation, column, isIdentity, type } of known.sequences) {
      if (this.#dropped.has(column)) continue
      if (!isIdentity && options.createSql === undefined) {
        await this.#run(`ALTER SEQUENCE ${relation} OWNED BY ${this.#table}.${quoteName(column)}`)
        if (options.keepOldAs !== undefined)
          await this.#run(`ALTER TABLE ${this.#old} ALTER COLUMN ${quoteName(column)} DROP DEFAULT`)
        continue
      }
      const [found] = await steps.read(
        `SELECT pg_catalog.pg_get_serial_sequence(${quoteText(this.#table, 'postgres')}, ${quoteText(column, 'postgres')})::regclass::text AS sequence,
  (SELECT relname FROM pg_catalog.pg_class WHERE oid = pg_catalog.pg_get_serial_sequence(${quoteText(this.#table, 'postgres')}, ${quoteText(column, 'postgres')})::regclass) AS name
WHERE EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = ${quoteText(this.#table, 'postgres')}::regclass AND attname = ${quoteText(column, 'postgres')})`,
      )
      if (found?.sequence === null || found === undefined) continue
      const aside = quoteTable(`${schema}${shortName(`${prefix}_${name}`)}`)
      await this.#run(
        `SELECT setval(${quoteText(String(found.sequence), 'postgres')}, last_value, is_called) FROM ${aside}`,
      )
      if (String(found.name) !== name)
        await this.#run(`ALTER SEQUENCE ${String(found.sequence)} RENAME TO ${quoteName(name)}`)
      // LIKE makes it a bigint, whatever it was.
      if (isIdentity && options.columns?.[column] === undefined)
        await this.#run(`ALTER SEQUENCE ${quoteTable(`${schema}${name}`)} AS ${type}`)
      await restoreExtras(steps, by, 'SEQUENCE', quoteTable(`${schema}${name}`), await readExtras(steps, aside))
    }
  }

  /** What is asked for besides what there was. */
  async #more(): Promise<void> {
    const { options, known } = this
    if (options.primaryKey !== undefined && options.primaryKey.length > 0)
      await this.#alter(`ADD PRIMARY KEY (${options.primaryKey.map(quoteName).join(', ')})`)
    for (const constraint of options.addConstraints ?? []) await this.#alter(`ADD ${constraint}`)
    for (const [column, definition] of Object.entries(options.columns ?? {})) {
      if (definition === null || !known.columns.some(({ name }) => name === column)) continue
      const { check, unique, references } = definition
      if (check !== undefined) await this.#alter(`ADD CHECK (${check})`)
      if (unique === true) await this.#alter(`ADD UNIQUE (${quoteName(column)})`)
      if (references === undefined) continue
      const { table, column: to, onDelete, onUpdate } = references
      const actions = `${onDelete === undefined ? '' : ` ON DELETE ${onDelete.toUpperCase()}`}${onUpdate === undefined ? '' : ` ON UPDATE ${onUpdate.toUpperCase()}`}`
      await this.#alter(
        `ADD FOREIGN KEY (${quoteName(column)}) REFERENCES ${quoteTable(table)} (${quoteName(to)})${actions}`,
      )
    }
  }

  async #leaveOld(): Promise<void> {
    const { known, options } = this
    if (options.keepOldAs === undefined) return this.#run(`DROP TABLE ${this.#old}`)
    for (const { name } of known.triggers) await this.#run(`DROP TRIGGER ${quoteName(name)} ON ${this.#old}`)
    for (const { name, kind } of known.constraints)
      if (kind === 'f') await this.#run(`ALTER TABLE ${this.#old} DROP CONSTRAINT ${quoteName(name)}`)
    for (const { column, isIdentity } of known.sequences)
      if (isIdentity) await this.#run(`ALTER TABLE ${this.#old} ALTER COLUMN ${quoteName(column)} DROP IDENTITY`)
  }

  async #triggers(): Promise<void> {
    const states: Readonly<Record<string, string>> = { D: 'DISABLE', R: 'ENABLE REPLICA', A: 'ENABLE ALWAYS' }
    for (const { name, sql, enabled } of this.known.triggers) {
      await this.#attempt(`the trigger ${name}`, sql)
      const state = states[enabled]
      if (state !== undefined) await this.#alter(`${state} TRIGGER ${quoteName(name)}`)
    }
  }

  /** Of what is there again; what was dropped on purpose has none. */
  async #comments(): Promise<void> {
    const now = await readPostgresTable(this.steps, this.by, this.name)
    const here = new Set([
      ...now.constraints.map(({ name }) => name),
      ...now.incoming.map(({ name }) => name),
      ...now.indexNames,
      ...now.triggers.map(({ name }) => name),
    ])
    for (const sql of this.known.comments) {
      const cursor = new Cursor(sql, 'postgres')
      cursor.at = 3
      const name = cursor.name()
      if (here.has(name.slice(name.lastIndexOf('.') + 1))) await this.#run(sql)
    }
  }

  #add({ name, kind, sql }: PostgresConstraint): Promise<void> {
    const what = kind === 'f' ? 'the foreign key' : 'the constraint'
    return this.#attempt(`${what} ${name}`, `ALTER TABLE ${this.#table} ADD CONSTRAINT ${quoteName(name)} ${sql}`)
  }

  #alter(change: string): Promise<void> {
    return this.#run(`ALTER TABLE ${this.#table} ${change}`)
  }

  async #attempt(what: string, sql: string): Promise<void> {
    try {
      await this.#run(sql)
    } catch (error) {
      // Rows that a constraint refuses are said by the store.
      if (!/does not exist|no unique constraint|depend on it/.test(saidBy(error))) throw error
      throw leavesBroken(this.by, [`${what} (${saidBy(error)})`])
    }
  }

  async #run(sql: string): Promise<void> {
    await this.steps.run(sql, { by: this.by })
  }
}

/** `fillfactor=70` as WITH takes it. */
function option(text: string): string {
  const [name = '', ...value] = text.split('=')
  return `${name} = ${quoteText(value.join('='), 'postgres')}`
}

/** In the table's schema, whether the new name says it or not. */
function bareIn(schema: string, name: string): string {
  return `${schema}${name.slice(name.lastIndexOf('.') + 1)}`
}

/** CREATE TABLE with the name that it is to have. */
function renamed(by: string, sql: string, table: string): string {
  const cursor = new Cursor(sql, 'postgres')
  const isTable = cursor.skip('create') && (cursor.skip('unlogged', 'table') || cursor.skip('table'))
  cursor.skip('if', 'not', 'exists')
  const from = cursor.token?.start
  if (!isTable || from === undefined || cursor.name() === '') {
    throw new DroverError('OPTION_INVALID', `${by}: createSql is a CREATE TABLE.`)
  }
  const to = cursor.tokens[cursor.at - 1]?.end ?? from
  return `${sql.slice(0, from)}${table}${sql.slice(to)}`
}
