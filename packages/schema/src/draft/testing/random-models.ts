import fc from 'fast-check'
import type { ColumnDefinition, IndexDefinition } from '../../contracts/schema-changes.js'
import { type ColumnModel, defineModels, type SchemaModels, type TableModel } from '../../models/define-models.js'

/** Words for columns that both databases have, with a default, a check and a predicate that fit. */
const kinds: readonly {
  readonly type: string
  readonly defaults: readonly ColumnDefinition['default'][]
  readonly test: (column: string) => string
}[] = [
  { type: 'integer', defaults: [0, 7, { sql: '1 + 1' }], test: (column) => `${column} > 0` },
  { type: 'bigint', defaults: [5], test: (column) => `${column} >= 0` },
  { type: 'text', defaults: ['', "it's"], test: (column) => `length(${column}) < 100` },
  { type: 'varchar(20)', defaults: ['open'], test: (column) => `${column} <> 'gone'` },
  { type: 'boolean', defaults: [true, false], test: (column) => `${column} IS NOT NULL` },
  { type: 'decimal(10,2)', defaults: [{ sql: '1.50' }], test: (column) => `${column} < 1000` },
  { type: 'timestamptz', defaults: [{ sql: 'CURRENT_TIMESTAMP' }], test: (column) => `${column} IS NOT NULL` },
  { type: 'mood', defaults: ['good', 'bad'], test: (column) => `${column} IS NOT NULL` },
]

const columnNames = ['a', 'b', 'c', 'Odd name'] as const
const tableNames = ['calls', 'notes', 'Odd table'] as const

interface DrawnColumn {
  readonly kind: number
  readonly isNullable: boolean
  readonly hasDefault: boolean
  readonly default: number
  readonly isUnique: boolean
  readonly hasCheck: boolean
}

const drawnColumn: fc.Arbitrary<DrawnColumn> = fc.record({
  kind: fc.nat(kinds.length - 1),
  isNullable: fc.boolean(),
  hasDefault: fc.boolean(),
  default: fc.nat(2),
  isUnique: fc.nat(5).map((n) => n === 0),
  hasCheck: fc.nat(3).map((n) => n === 0),
})

const drawnTable = fc.record({
  columns: fc.dictionary(fc.constantFrom(...columnNames), drawnColumn, { minKeys: 1 }),
  key: fc.constantFrom('id', 'id and first', 'none'),
  isCounted: fc.boolean(),
  /** To the table whose number it is, if that has a key of one column. */
  parent: fc.option(fc.nat(2), { nil: undefined }),
  onDelete: fc.constantFrom('cascade', 'set null', undefined),
  isKeyNamed: fc.boolean(),
  unique: fc.boolean(),
  index: fc.constantFrom('none', 'plain', 'partial', 'expression', 'unique', 'descending'),
})

type DrawnTable = typeof drawnTable extends fc.Arbitrary<infer T> ? T : never

/** A schema of up to three tables, whose names come again in the next one, so that much changes and little is new. */
export const someModels: fc.Arbitrary<SchemaModels> = fc
  .record({
    tables: fc.dictionary(fc.constantFrom(...tableNames), drawnTable, { minKeys: 1 }),
    values: fc.constantFrom(['good', 'bad'], ['good', 'so so', 'bad'], ['bad', 'good'], ['good', 'bad', 'ugly']),
    hasView: fc.boolean(),
  })
  .map(({ tables, values, hasView }) => {
    const names = Object.keys(tables)
    const [first = ''] = names
    return defineModels({
      enums: { mood: values },
      tables: Object.fromEntries(Object.entries(tables).map(([name, drawn]) => [name, table(name, drawn, tables)])),
      views: hasView ? { seen: `SELECT id, id + 1 AS next FROM "${first}"` } : {},
    })
  })

function table(name: string, drawn: DrawnTable, all: Readonly<Record<string, DrawnTable>>): TableModel {
  const columns = Object.entries(drawn.columns)
  const [firstColumn = 'id', firstDrawn] = columns[0] ?? []
  const parentName = drawn.parent === undefined ? undefined : Object.keys(all)[drawn.parent]
  const parent = parentName === undefined ? undefined : all[parentName]
  const hasParent = parentName !== undefined && parent?.key === 'id'
  const primaryKey = drawn.key === 'none' ? undefined : drawn.key === 'id' ? ['id'] : ['id', firstColumn]
  const of = (index: DrawnTable['index']): IndexDefinition[] => {
    const quoted = `"${firstColumn}"`
    const base = { name: `ix_${name.replace(' ', '_').toLowerCase()}`, columns: [firstColumn] }
    const isText = firstDrawn?.kind === 2 || firstDrawn?.kind === 3
    switch (index) {
      case 'none':
        return []
      case 'plain':
        return [base]
      case 'partial':
        return [{ ...base, where: kinds[firstDrawn?.kind ?? 0]?.test(quoted) ?? 'true' }]
      case 'expression':
        return [{ ...base, columns: [{ sql: isText ? `lower(${quoted})` : `coalesce(${quoted}, ${quoted})` }, 'id'] }]
      case 'unique':
        return [{ ...base, columns: ['id', firstColumn], unique: true }]
      case 'descending':
        return [{ ...base, columns: [{ sql: `${quoted} DESC` }] }]
    }
  }
  return {
    columns: {
      id: {
        type: 'integer',
        nullable: false,
        ...(drawn.isCounted && drawn.key === 'id' ? { identity: 'by-default' } : {}),
      },
      ...Object.fromEntries(columns.map(([column, each]) => [column, columnOf(column, each)])),
      ...(hasParent ? { parent_id: { type: 'integer' } } : {}),
    },
    ...(primaryKey === undefined ? {} : { primaryKey }),
    ...(drawn.unique
      ? { uniques: [{ name: `one_${name.replace(' ', '_').toLowerCase()}`, columns: ['id', firstColumn] }] }
      : {}),
    ...(hasParent
      ? {
          foreignKeys: [
            {
              ...(drawn.isKeyNamed ? { name: `of_${parentName.replace(' ', '_').toLowerCase()}` } : {}),
              columns: ['parent_id'],
              references: { table: parentName, columns: ['id'] },
              ...(drawn.onDelete === undefined ? {} : { onDelete: drawn.onDelete }),
            },
          ],
        }
      : {}),
    indexes: of(drawn.index),
  }
}

function columnOf(name: string, drawn: DrawnColumn): ColumnModel {
  const kind = kinds[drawn.kind]
  const initial = kind?.defaults[drawn.default % kind.defaults.length]
  return {
    type: kind?.type ?? 'text',
    nullable: drawn.isNullable,
    ...(drawn.hasDefault && initial !== undefined ? { default: initial } : {}),
    ...(drawn.isUnique ? { unique: true } : {}),
    ...(drawn.hasCheck && kind !== undefined ? { check: kind.test(`"${name}"`) } : {}),
  }
}
