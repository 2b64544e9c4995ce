import type { CatalogDifference } from '../catalog/compare-catalogs.js'
import type { CatalogColumn, CatalogIndex, CatalogTable } from '../contracts/catalog.js'
import type { ColumnDefinition } from '../contracts/schema-changes.js'
import { quoteName, quoteTable, quoteText } from '../sql/quote.js'
import { type Call, type Change, schemaCall, sqlCall } from './call.js'
import { columnDefinition, indexDefinition } from './definitions.js'
import {
  archived,
  mentions,
  needsValue,
  type Planning,
  quoted,
  standIn,
  type TableDifferences,
  undecidedValue,
} from './planned.js'

const dialect = 'postgres'

type Named = { readonly name?: string }

/** Changes of a table of PostgreSQL that stays, all but its foreign keys. */
export class PostgresTablePlan {
  readonly name: string
  /** Columns that go, come anew, or get another type. */
  readonly touched: ReadonlySet<string>
  readonly #gone: ReadonlySet<string>
  readonly #isPopulated: boolean

  constructor(
    private readonly planning: Planning,
    private readonly differences: TableDifferences,
    private readonly old: CatalogTable,
    private readonly made: CatalogTable,
  ) {
    this.name = old.name
    this.#isPopulated = planning.facts.isPopulated(old.name)
    const changed = differences.of('column', 'changed')
    const names = (list: readonly CatalogDifference[]): string[] => list.map(({ name }) => name)
    const retyped = new Set(names(changed.filter(({ properties }) => /type|collation/.test(properties.join(' ')))))
    const gone = new Set([
      ...names(differences.of('column', 'removed')),
      ...names(changed.filter(({ properties }) => properties.includes('generated'))),
    ])
    // PostgreSQL computes no column anew because another one becomes another type.
    for (const { name, generated } of old.columns)
      if (generated !== undefined && mentions(generated.expression, new Set([...gone, ...retyped]), dialect))
        gone.add(name)
    this.#gone = gone
    this.touched = new Set([...gone, ...retyped])
  }

  get touchesViews(): boolean {
    return this.touched.size > 0
  }

  /** Whether a key or unique constraint that a foreign key refers to is dropped, to come back or not. */
  losesKey(columns: readonly string[]): boolean {
    const lists = [
      ...(this.#changesKey ? [this.old.primaryKey] : []),
      ...this.#uniques('drop').map((unique) => unique.columns),
    ]
    return lists.some((list) => sameColumns(list, columns))
  }

  /** Whether the columns get a key that a foreign key may refer to, and where. */
  makesKey(columns: readonly string[]): 'nothing' | 'sooner' | 'late' {
    const isKey = this.#changesKey && sameColumns(this.made.primaryKey, columns)
    const isUnique = this.#uniques('add').some((unique) => sameColumns(unique.columns, columns))
    if (!isKey && !isUnique) return 'nothing'
    return (isKey && this.#isKeyLate) || (isUnique && this.#isPopulated) ? 'late' : 'sooner'
  }

  async changes(): Promise<Change[]> {
    const { differences, old } = this
    const isLosing = differences.of('column', 'removed').length > 0
    return [
      ...(isLosing ? archived(old.name, this.#isPopulated) : []),
      ...this.#constraints(),
      ...this.#key(),
      ...this.#indexes(),
      ...(await this.#columns()),
    ]
  }

  #original<T extends object>(part: unknown): T {
    return this.planning.comparison.original<T>(part)
  }

  get #changesKey(): boolean {
    return this.differences.of('primary key').length > 0 || this.old.primaryKey.some((column) => this.#gone.has(column))
  }

  get #isKeyLate(): boolean {
    const { old, made } = this
    const isStill = (name: string): boolean =>
      made.columns.some((column) => column.name === name && !column.isNullable) && !this.touched.has(name)
    return this.#isPopulated && old.primaryKey.every(isStill) && made.primaryKey.every((name) => !this.#gone.has(name))
  }

  #key(): Change[] {
    if (!this.#changesKey) return []
    const { old, made } = this
    const on = `ALTER TABLE ${quoteTable(old.name)}`
    const late = this.#isKeyLate ? { isLate: true } : {}
    const keyName = ({ primaryKeyName }: CatalogTable): string => primaryKeyName ?? `${bare(old.name)}_pkey`
    const add = (table: CatalogTable): Call[] =>
      table.primaryKey.length === 0
        ? []
        : [sqlCall(`${on} ADD CONSTRAINT ${quoteName(keyName(table))} PRIMARY KEY (${quoted(table.primaryKey)})`)]
    const drop = (table: CatalogTable): Call[] =>
      table.primaryKey.length === 0 ? [] : [schemaCall('dropConstraint', old.name, keyName(table))]
    const index = `${keyName(made)}_new`
    const addLate: Call[] =
      made.primaryKey.length === 0
        ? []
        : [
            schemaCall('concurrentIndex', old.name, { name: index, columns: made.primaryKey, unique: true }),
            sqlCall(`${on} ADD CONSTRAINT ${quoteName(keyName(made))} PRIMARY KEY USING INDEX ${quoteName(index)}`),
          ]
    return [
      ...(old.primaryKey.length === 0 ? [] : [{ phase: 'drop key' as const, up: drop(old), down: add(old), ...late }]),
      ...(made.primaryKey.length === 0
        ? []
        : [{ phase: 'add key' as const, up: this.#isKeyLate ? addLate : add(made), down: drop(made), ...late }]),
    ]
  }

  /** Uniques that are dropped or added: those that differ, and those that go with a column and come back with it. */
  #uniques(what: 'drop' | 'add'): CatalogTable['uniques'][number][] {
    const { differences, old } = this
    const differing = differences
      .of('unique constraint')
      .flatMap(({ from, to }) => (what === 'drop' ? from : to) ?? [])
      .map((each) => this.#original<CatalogTable['uniques'][number]>(each))
    const dropped = differences.of('unique constraint').map(({ from }) => from && this.#original(from))
    const recreated = old.uniques.filter(
      (unique) => !dropped.includes(unique) && unique.columns.some((column) => this.#gone.has(column)),
    )
    return [...differing, ...recreated]
  }

  #constraints(): Change[] {
    const { differences, old } = this
    const late = this.#isPopulated ? { isLate: true } : {}
    const uniqueName = ({ name, columns }: CatalogTable['uniques'][number]): string =>
      name ?? `${bare(old.name)}_${columns.join('_')}_key`
    const changes: Change[] = []
    for (const unique of this.#uniques('drop'))
      changes.push({
        phase: 'drop unique',
        up: [schemaCall('dropConstraint', old.name, uniqueName(unique))],
        down: [schemaCall('addUnique', old.name, uniqueName(unique), unique.columns)],
      })
    for (const unique of this.#uniques('add'))
      changes.push({
        phase: 'add unique',
        up: [schemaCall('addUnique', old.name, uniqueName(unique), unique.columns)],
        down: [schemaCall('dropConstraint', old.name, uniqueName(unique))],
        ...late,
      })
    const differing = differences.of('check')
    const checkName = ({ name }: Named): string => name ?? `${bare(old.name)}_check`
    type Check = CatalogTable['checks'][number]
    const dropCheck = (check: Check): Call => schemaCall('dropConstraint', old.name, checkName(check))
    const addCheck = (check: Check): Call => schemaCall('addCheck', old.name, checkName(check), check.expression)
    const known = new Set(differing.flatMap(({ from }) => (from === undefined ? [] : [this.#original(from)])))
    const recreated = old.checks.filter((check) => !known.has(check) && mentions(check.expression, this.#gone, dialect))
    const dropped = [
      ...differing.flatMap(({ from }) => from ?? []).map((each) => this.#original<Check>(each)),
      ...recreated,
    ]
    const added = [...differing.flatMap(({ to }) => to ?? []).map((each) => this.#original<Check>(each)), ...recreated]
    for (const check of dropped) changes.push({ phase: 'drop check', up: [dropCheck(check)], down: [addCheck(check)] })
    for (const check of added) changes.push({ phase: 'add check', up: [addCheck(check)], down: [dropCheck(check)] })
    return changes
  }

  #indexes(): Change[] {
    const { differences, old, planning } = this
    const differing = differences.of('index')
    const dropped = differing.flatMap(({ from }) => (from === undefined ? [] : [this.#original<CatalogIndex>(from)]))
    const added = differing.flatMap(({ to }) => (to === undefined ? [] : [this.#original<CatalogIndex>(to)]))
    const recreated = old.indexes.filter((index) => !dropped.includes(index) && this.#speaksOf(index, this.#gone))
    const newNames = planning.comparison.differences.flatMap(({ object, change, name, table }) =>
      object === 'index' && change === 'added' && table !== old.name ? [name] : [],
    )
    return [
      ...[...dropped, ...recreated].map((index): Change => {
        const isLate = this.#isPopulated && !this.#speaksOf(index, this.touched) && !newNames.includes(index.name)
        const options = isLate ? [{ concurrently: true }] : []
        return {
          phase: 'drop index',
          up: [schemaCall('dropIndex', index.name, ...options)],
          down: [this.#make(index, isLate)],
          ...(isLate ? { isLate } : {}),
        }
      }),
      ...[...added, ...recreated].map((index): Change => {
        const isLate = this.#isPopulated
        return {
          phase: 'make index',
          up: [this.#make(index, isLate)],
          down: [schemaCall('dropIndex', index.name, ...(isLate ? [{ concurrently: true }] : []))],
          ...(isLate ? { isLate } : {}),
        }
      }),
    ]
  }

  #speaksOf(index: CatalogIndex, names: ReadonlySet<string>): boolean {
    return mentions(index.sql.slice(index.sql.indexOf(' USING ')), names, dialect)
  }

  #make(index: CatalogIndex, isLate: boolean): Call {
    const { declared } = this.planning
    const isWanted = this.made.indexes.includes(index)
    const definition = (isWanted ? declared.index(this.name, index.name) : undefined) ?? indexDefinition(index, dialect)
    if (definition !== null) return schemaCall(isLate ? 'concurrentIndex' : 'createIndex', this.name, definition)
    return sqlCall(isLate ? index.sql.replace(/^CREATE (?:UNIQUE )?INDEX /, '$&CONCURRENTLY ') : index.sql)
  }

  async #columns(): Promise<Change[]> {
    const { differences, old, made } = this
    const changes: Change[] = []
    const before = new Map(old.columns.map((column) => [column.name, column]))
    const after = new Map(made.columns.map((column) => [column.name, column]))
    for (const name of this.#gone) {
      const column = before.get(name)
      if (column !== undefined) changes.push(this.#drop(column))
      const again = after.get(name)
      if (again !== undefined) changes.push(...(await this.#add(again)))
    }
    for (const { name } of differences.of('column', 'added')) {
      const column = after.get(name)
      if (column !== undefined) changes.push(...(await this.#add(column)))
    }
    for (const difference of differences.of('column', 'changed')) {
      const [from, to] = [before.get(difference.name), after.get(difference.name)]
      if (from === undefined || to === undefined || this.#gone.has(difference.name)) continue
      changes.push(...(await this.#change(from, to, difference.properties)))
    }
    return changes
  }

  #drop(column: CatalogColumn): Change {
    const definition = columnDefinition(column, dialect)
    const value = standIn(column)
    const needs = this.#isPopulated && needsValue(column) && value !== undefined
    return {
      phase: column.generated === undefined ? 'drop column' : 'drop generated column',
      up: [schemaCall('dropColumn', this.name, column.name)],
      down: needs
        ? this.#addFilled(column, definition, value)
        : [schemaCall('addColumn', this.name, column.name, definition)],
    }
  }

  async #add(column: CatalogColumn): Promise<Change[]> {
    const { declared, facts } = this.planning
    const definition = declared.column(this.name, column.name) ?? columnDefinition(column, dialect)
    const phase = column.generated === undefined ? 'add column' : 'add generated column'
    const down = [schemaCall('dropColumn', this.name, column.name)]
    if (!this.#isPopulated || !needsValue(column))
      return [{ phase, up: [schemaCall('addColumn', this.name, column.name, definition)], down }]
    const value = await facts.valueFor(this.name, column.name)
    const undecided = value === undefined ? { undecided: undecidedValue(this.name, column.name) } : {}
    return [{ phase, up: this.#addFilled(column, definition, value), down, ...undecided }]
  }

  /** The rows that are there get the value before it becomes NOT NULL. */
  #addFilled({ name }: CatalogColumn, definition: ColumnDefinition, value: ColumnDefinition['default']): Call[] {
    const { nullable, ...rest } = definition
    return [schemaCall('addColumn', this.name, name, rest), this.#notNull(name, value)]
  }

  #notNull(name: string, fill: ColumnDefinition['default']): Call {
    return fill === undefined || fill === null
      ? schemaCall('addNotNull', this.name, name)
      : schemaCall('addNotNull', this.name, name, { fill })
  }

  async #change(from: CatalogColumn, to: CatalogColumn, properties: readonly string[]): Promise<Change[]> {
    const changes: Change[] = []
    const push = (up: readonly Call[], down: readonly Call[], more: Partial<Change> = {}): void => {
      changes.push({ phase: 'change column', up, down, ...more })
    }
    const isDefault = properties.includes('default') || from.identity !== to.identity
    if (properties.includes('identity')) {
      if (from.identity !== undefined) push(this.#uncount(from), this.#count(from))
    }
    if (properties.includes('type') || properties.includes('collation')) {
      const comment = `All rows of ${this.name} may be written anew for it: see what "drover schema lint" says of it.`
      push(
        [await this.#retype(from, to)],
        [await this.#retype(to, from)],
        this.#isPopulated ? { comments: [comment] } : {},
      )
    } else if (isDefault && to.identity === undefined && from.identity === undefined) {
      push([this.#initial(to)], [this.#initial(from)])
    } else if (isDefault && to.identity === undefined && to.default !== undefined) {
      push([this.#initial(to)], [schemaCall('alterColumn', this.name, to.name, { default: null })])
    }
    if (properties.includes('isNullable')) {
      const drop = schemaCall('dropNotNull', this.name, to.name)
      if (to.isNullable) push([drop], [this.#notNull(to.name, await this.#forNulls(from, standIn(from)))])
      else push(...(await this.#becomesNotNull(to, drop)))
    }
    if (properties.includes('identity') && to.identity !== undefined) push(this.#count(to), this.#uncount(to))
    return changes
  }

  async #becomesNotNull(to: CatalogColumn, drop: Call): Promise<[Call[], Call[], Partial<Change>]> {
    const { facts } = this.planning
    const hasNulls = this.#isPopulated && (await facts.hasNulls(this.name, to.name))
    if (!hasNulls) return [[this.#notNull(to.name, undefined)], [drop], {}]
    const value = to.default === undefined ? await facts.valueFor(this.name, to.name) : { sql: to.default }
    const undecided = value === undefined ? { undecided: undecidedValue(this.name, to.name) } : {}
    return [[this.#notNull(to.name, value)], [drop], undecided]
  }

  /** Nulls may have come in until somebody goes back. */
  async #forNulls(column: CatalogColumn, otherwise: ColumnDefinition['default']): Promise<ColumnDefinition['default']> {
    if (!this.#isPopulated || column.identity !== undefined) return undefined
    return column.default === undefined ? otherwise : { sql: column.default }
  }

  #initial(column: CatalogColumn): Call {
    const said = column.default === undefined ? null : this.#declaredDefault(column)
    return schemaCall('alterColumn', this.name, column.name, { default: said })
  }

  #declaredDefault(column: CatalogColumn): Exclude<ColumnDefinition['default'], undefined> {
    const isWanted = this.made.columns.includes(column)
    const declared = isWanted ? this.planning.declared.column(this.name, column.name)?.default : undefined
    return declared ?? { sql: column.default ?? 'NULL' }
  }

  async #retype(from: CatalogColumn, to: CatalogColumn): Promise<Call> {
    const name = quoteName(to.name)
    const isCastable = await this.planning.facts.isCastable(from.type, to.type)
    const hasDefault = from.default !== undefined || to.default !== undefined
    const counts = from.identity !== undefined || to.identity !== undefined
    const { type } = columnDefinition(to, dialect)
    return schemaCall('alterColumn', this.name, to.name, {
      type,
      ...(to.collation === undefined ? {} : { collation: to.collation }),
      using: isCastable ? `${name}::${to.type}` : `${name}::text::${to.type}`,
      ...(hasDefault && !counts ? { default: to.default === undefined ? null : this.#declaredDefault(to) } : {}),
    })
  }

  /** Begins behind the numbers that are there. */
  #count({ name, identity }: CatalogColumn): Call[] {
    const table = quoteTable(this.name)
    const column = quoteName(name)
    const next = `(SELECT coalesce(max(${column}), 0) + 1 FROM ${table})`
    if (identity === 'serial') {
      const sequence = quoteName(`${bare(this.name)}_${name}_seq`)
      return [
        sqlCall(`CREATE SEQUENCE ${sequence} OWNED BY ${table}.${column}`),
        sqlCall(`SELECT setval(${quoteText(sequence)}, ${next}, false)`),
        sqlCall(`ALTER TABLE ${table} ALTER COLUMN ${column} SET DEFAULT nextval(${quoteText(sequence)})`),
      ]
    }
    const kind = identity === 'always' ? 'ALWAYS' : 'BY DEFAULT'
    return [
      sqlCall(`ALTER TABLE ${table} ALTER COLUMN ${column} DROP DEFAULT`),
      sqlCall(`ALTER TABLE ${table} ALTER COLUMN ${column} ADD GENERATED ${kind} AS IDENTITY`),
      sqlCall(`SELECT setval(pg_get_serial_sequence(${quoteText(table)}, ${quoteText(name)}), ${next}, false)`),
    ]
  }

  #uncount({ name, identity, default: initial = '' }: CatalogColumn): Call[] {
    const alter = `ALTER TABLE ${quoteTable(this.name)} ALTER COLUMN ${quoteName(name)}`
    if (identity !== 'serial') return [sqlCall(`${alter} DROP IDENTITY`)]
    const sequence = /^nextval\('((?:[^']|'')+)'::regclass\)$/.exec(initial)?.[1]?.replaceAll("''", "'")
    return [sqlCall(`${alter} DROP DEFAULT`), ...(sequence === undefined ? [] : [sqlCall(`DROP SEQUENCE ${sequence}`)])]
  }
}

function sameColumns(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((column) => other.includes(column))
}

/** Without its schema. */
function bare(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
