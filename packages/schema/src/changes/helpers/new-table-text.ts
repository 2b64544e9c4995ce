import { DroverError } from '@drover/core'
import type { ColumnDefinition, RebuildOptions } from '../../contracts/schema-changes.js'
import { quoteName } from '../../sql/quote.js'
import { columnSql } from '../column-sql.js'
import { type Definition, definitionOf, type PieceKind, type TableText } from './table-text.js'

/** The parts of the table that a rebuild of SQLite makes out of the old one's. */
export function newTableText(where: string, old: TableText, options: RebuildOptions): TableText {
  const { columns = {}, primaryKey, addConstraints = [], dropConstraints = [], strict, withoutRowid } = options
  const unknown = dropConstraints.filter((name) => !old.definitions.some((each) => hasConstraint(each, name)))
  if (unknown.length > 0)
    throw new DroverError('NAME_UNKNOWN', `${where}: there is no constraint ${unknown.join(', ')}.`)
  const changed = new Map(
    Object.entries(columns).map(([name, definition]) => [name.toLowerCase(), { name, definition }]),
  )
  const kept = old.definitions.flatMap((definition): Definition[] => {
    if (definition.column === undefined) {
      if (dropConstraints.some((name) => same(name, definition.name))) return []
      return primaryKey !== undefined && definition.constraint === 'primary' ? [] : [definition]
    }
    const change = changed.get(definition.column.toLowerCase())
    changed.delete(definition.column.toLowerCase())
    if (change?.definition === null) return []
    const column = change === undefined ? definition : changedColumn(definition, change.definition as ColumnDefinition)
    return [
      withoutPieces(
        column,
        ({ kind, name }) =>
          (primaryKey !== undefined && kind === 'primary') || dropConstraints.some((each) => same(each, name)),
      ),
    ]
  })
  const missing = [...changed.values()].filter(({ definition }) => definition === null).map(({ name }) => name)
  if (missing.length > 0)
    throw new DroverError('NAME_UNKNOWN', `${where}: there is no column ${missing.join(', ')} to drop.`)
  const added = [...changed.values()].map(({ name, definition }) =>
    definitionOf(columnSql(name, definition as ColumnDefinition, 'sqlite')),
  )
  return {
    definitions: [
      ...kept.filter(({ column }) => column !== undefined),
      ...added,
      ...kept.filter(({ column }) => column === undefined),
      ...(primaryKey === undefined ? [] : [definitionOf(`PRIMARY KEY (${primaryKey.map(quoteName).join(', ')})`)]),
      ...addConstraints.map(definitionOf),
    ],
    options: [
      ...((strict ?? old.options.includes('STRICT')) ? ['STRICT'] : []),
      ...((withoutRowid ?? old.options.includes('WITHOUT ROWID')) ? ['WITHOUT ROWID'] : []),
    ],
  }
}

/** What the new definition does not speak of stays: its key, its checks, what it refers to. */
function changedColumn(old: Definition, definition: ColumnDefinition): Definition {
  const said: PieceKind[] = ['not null', 'null', 'default']
  if (definition.references !== undefined) said.push('references')
  if (definition.check !== undefined || definition.values !== undefined) said.push('check')
  if (definition.unique !== undefined) said.push('unique')
  if (definition.collation !== undefined) said.push('collate')
  const stays = old.pieces.filter(({ kind }) => !said.includes(kind)).map(({ text }) => text)
  // A type that stays is not translated: values of JSON as TEXT would become others.
  const type = old.type !== undefined && same(definition.type, old.type) ? old.type : undefined
  return definitionOf([columnSql(old.column ?? '', definition, 'sqlite', type), ...stays].join(' '))
}

function withoutPieces(definition: Definition, isGone: (piece: Definition['pieces'][number]) => boolean): Definition {
  const gone = definition.pieces.filter(isGone)
  if (gone.length === 0) return definition
  // From the end on, so that what stands before stays where it is.
  const text = gone
    .toReversed()
    .reduce((left, { at, text: { length } }) => left.slice(0, at) + left.slice(at + length), definition.text)
  return definitionOf(text.trim())
}

function hasConstraint(definition: Definition, name: string): boolean {
  return (
    (definition.column === undefined && same(name, definition.name)) ||
    definition.pieces.some((piece) => same(name, piece.name))
  )
}

function same(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase()
}
