import type { Dialect } from '../contracts/migration.js'
import { Cursor } from './cursor.js'

/** What one statement does to the schema or to rows, as far as it matters for the people who use the database meanwhile. */
export type Action =
  | { readonly kind: 'create-table'; readonly table: string; readonly isCopy: boolean }
  | { readonly kind: 'drop-table' | 'truncate'; readonly table: string }
  | { readonly kind: 'rename-table'; readonly table: string; readonly to: string }
  | ({ readonly kind: 'add-column'; readonly table: string; readonly column: string } & ColumnSaid)
  | { readonly kind: 'drop-column'; readonly table: string; readonly column: string }
  | { readonly kind: 'rename-column'; readonly table: string; readonly column: string; readonly to: string }
  | { readonly kind: 'column-type'; readonly table: string; readonly column: string; readonly type: string }
  | { readonly kind: 'set-not-null'; readonly table: string; readonly column: string }
  | {
      readonly kind: 'add-constraint'
      readonly table: string
      readonly name: string
      readonly of: 'foreign key' | 'check' | 'unique' | 'primary key' | 'exclude'
      readonly isNotValid: boolean
      readonly isUsingIndex: boolean
      readonly text: string
    }
  | { readonly kind: 'validate-constraint' | 'drop-constraint'; readonly table: string; readonly name: string }
  | { readonly kind: 'create-index'; readonly table: string; readonly name: string; readonly isConcurrent: boolean }
  | { readonly kind: 'drop-index'; readonly name: string; readonly isConcurrent: boolean }
  | { readonly kind: 'change-rows'; readonly table: string; readonly by: 'update' | 'delete'; readonly isAll: boolean }
  | { readonly kind: 'add-enum-value'; readonly type: string; readonly value: string }
  | { readonly kind: 'rewrite'; readonly table: string; readonly by: 'vacuum full' | 'cluster' }
  | { readonly kind: 'unknown'; readonly what: string }

export interface ColumnSaid {
  readonly type: string
  readonly isNotNull: boolean
  /** The expression of its default. */
  readonly default: string | undefined
  readonly isGenerated: boolean
  readonly refersTo: string | undefined
}

/** What a statement does. Empty for what bothers nobody: inserts, comments, new views and types. */
export function actionsOf(sql: string, dialect: Dialect): Action[] {
  const cursor = new Cursor(sql, dialect)
  if (cursor.skip('alter', 'table')) return alterTable(cursor)
  if (cursor.skip('create')) return create(cursor)
  if (cursor.skip('drop')) return drop(cursor)
  if (cursor.skip('truncate')) {
    cursor.skip('table')
    return list(cursor).map((table): Action => ({ kind: 'truncate', table }))
  }
  if (cursor.skip('alter', 'type')) return alterType(cursor)
  if (cursor.skip('update')) return [changeRows(cursor, 'update')]
  if (cursor.skip('delete', 'from')) return [changeRows(cursor, 'delete')]
  if (cursor.skip('vacuum'))
    return /\bfull\b/i.test(sql) ? [{ kind: 'rewrite', table: cursor.name(), by: 'vacuum full' }] : []
  if (cursor.skip('cluster')) return [{ kind: 'rewrite', table: cursor.name(), by: 'cluster' }]
  if (cursor.skip('do') || cursor.skip('call')) return [{ kind: 'unknown', what: 'a block of code' }]
  if (cursor.skip('with') && cursor.has('update', 'delete'))
    return [{ kind: 'unknown', what: 'a WITH that changes rows' }]
  return []
}

function changeRows(cursor: Cursor, by: 'update' | 'delete'): Action {
  if (cursor.skip('or')) cursor.at++
  cursor.skip('only')
  return { kind: 'change-rows', table: cursor.name(), by, isAll: !cursor.has('where') }
}

function create(cursor: Cursor): Action[] {
  const isTemporary = cursor.skip('temp') || cursor.skip('temporary') || cursor.skip('unlogged')
  const isUnique = cursor.skip('unique')
  if (cursor.skip('index')) {
    const isConcurrent = cursor.skip('concurrently')
    cursor.skip('if', 'not', 'exists')
    const name = cursor.skip('on') ? '' : cursor.name()
    if (name !== '') cursor.skip('on')
    cursor.skip('only')
    return [{ kind: 'create-index', name, table: cursor.name(), isConcurrent }]
  }
  if (isUnique || !cursor.skip('table')) return []
  cursor.skip('if', 'not', 'exists')
  const table = cursor.name()
  return isTemporary ? [] : [{ kind: 'create-table', table, isCopy: cursor.skip('as') || cursor.has('as') }]
}

function drop(cursor: Cursor): Action[] {
  if (cursor.skip('table')) {
    cursor.skip('if', 'exists')
    return list(cursor).map((table): Action => ({ kind: 'drop-table', table }))
  }
  if (!cursor.skip('index')) return []
  const isConcurrent = cursor.skip('concurrently')
  cursor.skip('if', 'exists')
  return list(cursor).map((name): Action => ({ kind: 'drop-index', name, isConcurrent }))
}

function list(cursor: Cursor): string[] {
  const names: string[] = []
  do {
    cursor.skip('only')
    const name = cursor.name()
    if (name !== '') names.push(name)
  } while (cursor.skip(','))
  return names
}

function alterType(cursor: Cursor): Action[] {
  const type = cursor.name()
  if (!cursor.skip('add', 'value')) return []
  cursor.skip('if', 'not', 'exists')
  return [{ kind: 'add-enum-value', type, value: cursor.token?.value ?? '' }]
}

function alterTable(cursor: Cursor): Action[] {
  cursor.skip('if', 'exists')
  cursor.skip('only')
  const table = cursor.name()
  const actions: Action[] = []
  do {
    const action = alteration(cursor, table)
    if (action !== undefined) actions.push(action)
    cursor.rest()
  } while (cursor.skip(','))
  return actions
}

function alteration(cursor: Cursor, table: string): Action | undefined {
  if (cursor.skip('add')) return addition(cursor, table)
  if (cursor.skip('drop')) {
    const isConstraint = cursor.skip('constraint')
    if (!isConstraint) cursor.skip('column')
    cursor.skip('if', 'exists')
    const name = cursor.name()
    return isConstraint ? { kind: 'drop-constraint', table, name } : { kind: 'drop-column', table, column: name }
  }
  if (cursor.skip('rename')) return renaming(cursor, table)
  if (cursor.skip('validate', 'constraint')) return { kind: 'validate-constraint', table, name: cursor.name() }
  if (!cursor.skip('alter')) return undefined
  cursor.skip('column')
  const column = cursor.name()
  if (cursor.skip('set', 'not', 'null')) return { kind: 'set-not-null', table, column }
  if (!cursor.skip('type') && !cursor.skip('set', 'data', 'type')) return undefined
  return { kind: 'column-type', table, column, type: typeName(cursor) }
}

function renaming(cursor: Cursor, table: string): Action | undefined {
  if (cursor.skip('to')) return { kind: 'rename-table', table, to: cursor.name() }
  if (cursor.skip('constraint')) return undefined
  cursor.skip('column')
  const column = cursor.name()
  return cursor.skip('to') ? { kind: 'rename-column', table, column, to: cursor.name() } : undefined
}

function addition(cursor: Cursor, table: string): Action {
  const name = cursor.skip('constraint') ? cursor.name() : ''
  const of = constraintKind(cursor)
  if (of !== undefined) {
    const text = cursor.rest()
    return {
      kind: 'add-constraint',
      table,
      name,
      of,
      isNotValid: /\bnot\s+valid\s*$/i.test(text),
      isUsingIndex: /^\s*using\s+index\b/i.test(text),
      text,
    }
  }
  cursor.skip('column')
  cursor.skip('if', 'not', 'exists')
  return { kind: 'add-column', table, column: cursor.name(), type: typeName(cursor), ...columnSaid(cursor) }
}

function constraintKind(cursor: Cursor): 'foreign key' | 'check' | 'unique' | 'primary key' | 'exclude' | undefined {
  if (cursor.skip('foreign', 'key')) return 'foreign key'
  if (cursor.skip('primary', 'key')) return 'primary key'
  if (cursor.skip('check')) return 'check'
  if (cursor.skip('unique')) return 'unique'
  return cursor.skip('exclude') ? 'exclude' : undefined
}

const constraintWords = [
  'not',
  'null',
  'default',
  'constraint',
  'check',
  'unique',
  'primary',
  'references',
  'generated',
  'as',
  'collate',
  'using',
  'deferrable',
  ',',
]

/** `character varying(255)`, `double precision[]`. */
function typeName(cursor: Cursor): string {
  const from = cursor.token?.start ?? 0
  let end = from
  while (cursor.token !== undefined && !constraintWords.includes(cursor.token.value)) {
    if (cursor.token.value === '(') cursor.group()
    else cursor.at++
    end = cursor.tokens[cursor.at - 1]?.end ?? end
  }
  return cursor.sql.slice(from, end).toLowerCase()
}

function columnSaid(cursor: Cursor): Omit<ColumnSaid, 'type'> {
  let isNotNull = false
  let isGenerated = false
  let said: string | undefined
  let refersTo: string | undefined
  while (cursor.token !== undefined && cursor.token.value !== ',') {
    if (cursor.skip('not', 'null')) isNotNull = true
    else if (cursor.skip('default')) said = expression(cursor)
    else if (cursor.skip('references')) refersTo = cursor.name()
    else if (cursor.skip('generated') || cursor.skip('as')) isGenerated = true
    else if (cursor.token.value === '(') cursor.group()
    else cursor.at++
  }
  return { isNotNull, isGenerated, default: said, refersTo }
}

/** A default ends where the next constraint begins. */
function expression(cursor: Cursor): string {
  const from = cursor.token?.start ?? 0
  let end = from
  do {
    if (cursor.token?.value === '(') cursor.group()
    else cursor.at++
    end = cursor.tokens[cursor.at - 1]?.end ?? end
  } while (cursor.token !== undefined && !constraintWords.includes(cursor.token.value))
  return cursor.sql.slice(from, end)
}
