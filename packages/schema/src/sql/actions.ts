import type { Dialect } from '../contracts/migration.js'
import { Cursor } from './cursor.js'

/** What one statement does to the schema or to rows, as far as it matters for the people who use the database meanwhile. */
export type Action =
  | {
      readonly kind: 'create-table'
      readonly table: string
      readonly isCopy: boolean
      /** IF NOT EXISTS: nobody knows whether this statement makes it. */
      readonly isIfMissing: boolean
    }
  | { readonly kind: 'drop-table'; readonly table: string }
  | { readonly kind: 'truncate'; readonly table: string; readonly isCascade: boolean }
  | { readonly kind: 'drop-schema'; readonly schema: string }
  | { readonly kind: 'drop-dependents'; readonly what: string; readonly takesColumns: boolean }
  | { readonly kind: 'locks-out'; readonly table: string; readonly by: string; readonly isRefused: boolean }
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
  | {
      readonly kind: 'change-rows'
      readonly table: string
      readonly by: 'update' | 'delete' | 'replace'
      readonly isAll: boolean
    }
  | { readonly kind: 'add-enum-value'; readonly type: string; readonly value: string }
  | { readonly kind: 'rewrite'; readonly table: string; readonly by: string }
  | { readonly kind: 'unknown'; readonly what: string }

export interface ColumnSaid {
  readonly type: string
  readonly isNotNull: boolean
  /** The expression of its default. */
  readonly default: string | undefined
  readonly isGenerated: boolean
  /** UNIQUE or PRIMARY KEY. */
  readonly isUnique: boolean
  readonly isChecked: boolean
  readonly refersTo: string | undefined
}

/** What a statement does. Empty for what bothers nobody: inserts, comments, new views and types. */
export function actionsOf(sql: string, dialect: Dialect): Action[] {
  const cursor = new Cursor(sql, dialect)
  if (cursor.skip('alter', 'table') || cursor.skip('alter', 'foreign', 'table')) return alterTable(cursor)
  if (cursor.skip('alter', 'view') || cursor.skip('alter', 'materialized', 'view')) return alterTable(cursor)
  if (cursor.skip('create')) return create(cursor)
  if (cursor.skip('drop')) return drop(cursor)
  if (cursor.skip('truncate')) {
    cursor.skip('table')
    const tables = list(cursor)
    return tables.map((table): Action => ({ kind: 'truncate', table, isCascade: cursor.has('cascade') }))
  }
  if (cursor.skip('alter', 'type')) return alterType(cursor)
  if (cursor.skip('update')) return [changeRows(cursor, 'update')]
  if (cursor.skip('delete', 'from')) return [changeRows(cursor, 'delete')]
  if (cursor.skip('vacuum'))
    return /\bfull\b/i.test(sql) ? [{ kind: 'rewrite', table: cursor.name(), by: 'vacuum full' }] : []
  if (cursor.skip('cluster')) return [{ kind: 'rewrite', table: cursor.name(), by: 'cluster' }]
  if (cursor.skip('do') || cursor.skip('call')) return [{ kind: 'unknown', what: 'a block of code' }]
  if (cursor.skip('with')) return withChanges(cursor)
  if (cursor.skip('explain') && cursor.tokens.some(({ value }) => value === 'analyze' || value === 'analyse'))
    return [{ kind: 'unknown', what: 'an EXPLAIN ANALYZE, which runs its statement,' }]
  if (cursor.skip('select') && dialect === 'postgres') return selectInto(cursor)
  return insertOrLock(cursor)
}

function insertOrLock(cursor: Cursor): Action[] {
  const isReplace = cursor.skip('replace', 'into') || cursor.skip('insert', 'or', 'replace', 'into')
  if (isReplace) return [{ kind: 'change-rows', table: cursor.name(), by: 'replace', isAll: false }]
  if (cursor.skip('insert', 'into')) {
    const table = cursor.name()
    const words = cursor.tokens.map(({ kind, value }) => (kind === 'word' ? value : ''))
    const isMany = words.includes('select') && words.some((word, at) => word === 'do' && words[at + 1] === 'update')
    return isMany ? [{ kind: 'change-rows', table, by: 'update', isAll: false }] : []
  }
  if (cursor.skip('merge', 'into')) {
    cursor.skip('only')
    const table = cursor.name()
    const update: Action = { kind: 'change-rows', table, by: 'update', isAll: false }
    return cursor.has('delete') ? [update, { ...update, by: 'delete' }] : [update]
  }
  if (cursor.skip('lock')) {
    cursor.skip('table')
    return list(cursor).map((table): Action => ({ kind: 'locks-out', table, by: 'LOCK TABLE', isRefused: false }))
  }
  if (cursor.skip('refresh', 'materialized', 'view') && !cursor.skip('concurrently'))
    return [{ kind: 'locks-out', table: cursor.name(), by: 'REFRESH MATERIALIZED VIEW', isRefused: false }]
  if (cursor.dialect === 'postgres' && cursor.skip('reindex')) {
    if (cursor.tokens.some(({ value }) => value === 'concurrently')) return []
    cursor.group()
    cursor.at++
    return [{ kind: 'locks-out', table: cursor.name(), by: 'REINDEX', isRefused: true }]
  }
  return []
}

/** In WITH rows can be changed in its parts and at its end. */
function withChanges(cursor: Cursor): Action[] {
  const actions: Action[] = []
  for (; !cursor.isAtEnd; cursor.at++) {
    const before = cursor.tokens[cursor.at - 1]?.value
    if (before === 'for' || before === 'do' || before === 'then' || before === 'key' || before === 'no') continue
    const { at } = cursor
    for (const by of ['update', 'delete'] as const)
      if (by === 'update' ? cursor.skip('update') : cursor.skip('delete', 'from')) {
        cursor.skip('only')
        actions.push({ kind: 'change-rows', table: cursor.name(), by, isAll: false })
      }
    if (cursor.skip('merge', 'into') || cursor.skip('insert') || cursor.skip('replace', 'into')) {
      cursor.at = at
      actions.push(...insertOrLock(cursor))
    }
    cursor.at = at
  }
  return actions
}

function selectInto(cursor: Cursor): Action[] {
  let depth = 0
  for (; !cursor.isAtEnd; cursor.at++) {
    if (cursor.token?.kind === 'symbol' && cursor.token.value === '(') depth++
    if (cursor.token?.kind === 'symbol' && cursor.token.value === ')') depth--
    if (depth > 0 || !cursor.skip('into')) continue
    if (cursor.skip('temp') || cursor.skip('temporary')) return []
    cursor.skip('unlogged')
    cursor.skip('table')
    return [{ kind: 'create-table', table: cursor.name(), isCopy: true, isIfMissing: false }]
  }
  return []
}

function changeRows(cursor: Cursor, by: 'update' | 'delete'): Action {
  const isReplace = cursor.skip('or', 'replace')
  if (cursor.skip('or')) cursor.at++
  cursor.skip('only')
  if (isReplace) return { kind: 'change-rows', table: cursor.name(), by: 'replace', isAll: !cursor.has('where') }
  return { kind: 'change-rows', table: cursor.name(), by, isAll: !cursor.has('where') }
}

function create(cursor: Cursor): Action[] {
  const isTemporary = cursor.skip('temp') || cursor.skip('temporary')
  if (!isTemporary) cursor.skip('unlogged')
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
  const isIfMissing = cursor.skip('if', 'not', 'exists')
  const table = cursor.name()
  return isTemporary ? [] : [{ kind: 'create-table', table, isCopy: cursor.has('as'), isIfMissing }]
}

function drop(cursor: Cursor): Action[] {
  if (cursor.skip('table')) {
    cursor.skip('if', 'exists')
    return list(cursor).map((table): Action => ({ kind: 'drop-table', table }))
  }
  if (!cursor.skip('index')) return dropOther(cursor)
  const isConcurrent = cursor.skip('concurrently')
  cursor.skip('if', 'exists')
  return list(cursor).map((name): Action => ({ kind: 'drop-index', name, isConcurrent }))
}

/** What other things may be in, or hang on. */
function dropOther(cursor: Cursor): Action[] {
  if (cursor.dialect === 'sqlite') return []
  const what = cursor.token?.value ?? ''
  cursor.at += what === 'materialized' ? 2 : 1
  cursor.skip('if', 'exists')
  if (what === 'owned' || what === 'database')
    return [{ kind: 'drop-dependents', what: `DROP ${what.toUpperCase()}`, takesColumns: true }]
  if (what === 'schema') {
    const schemas = list(cursor)
    return cursor.has('cascade') ? schemas.map((schema): Action => ({ kind: 'drop-schema', schema })) : []
  }
  if (!cursor.has('cascade')) return []
  const takesColumns = ['type', 'domain', 'extension'].includes(what)
  return [{ kind: 'drop-dependents', what: `DROP ${what.toUpperCase()} … CASCADE`, takesColumns }]
}

function list(cursor: Cursor): string[] {
  const names: string[] = []
  do {
    cursor.skip('only')
    const name = cursor.name()
    if (name !== '') names.push(name)
    cursor.skip('*')
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
  cursor.skip('*')
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
  if (cursor.skip('set', 'schema'))
    return { kind: 'rename-table', table, to: `${cursor.name()}.${table.split('.').at(-1)}` }
  for (const word of ['logged', 'unlogged', 'tablespace', 'access'])
    if (cursor.skip('set', word)) return { kind: 'rewrite', table, by: `SET ${word.toUpperCase()}` }
  if (cursor.skip('attach')) return { kind: 'locks-out', table, by: 'ATTACH PARTITION', isRefused: false }
  if (cursor.skip('detach'))
    return cursor.has('concurrently')
      ? undefined
      : { kind: 'locks-out', table, by: 'DETACH PARTITION', isRefused: false }
  if (!cursor.skip('alter') || cursor.skip('constraint')) return undefined
  cursor.skip('column')
  const column = cursor.name()
  if (cursor.skip('set', 'not', 'null')) return { kind: 'set-not-null', table, column }
  if (cursor.skip('set', 'expression')) return { kind: 'rewrite', table, by: 'SET EXPRESSION' }
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
  if (cursor.skip('not', 'null')) {
    const column = cursor.name()
    const text = cursor.rest()
    if (!/\bnot\s+valid\s*$/i.test(text)) return { kind: 'set-not-null', table, column }
    return { kind: 'add-constraint', table, name, of: 'check', isNotValid: true, isUsingIndex: false, text }
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
  let isUnique = false
  let isChecked = false
  let said: string | undefined
  let refersTo: string | undefined
  while (cursor.token !== undefined && cursor.token.value !== ',') {
    if (cursor.skip('not', 'null')) isNotNull = true
    else if (cursor.skip('default')) said = expression(cursor)
    else if (cursor.skip('references')) refersTo = cursor.name()
    else if (cursor.skip('unique') || cursor.skip('primary', 'key')) isUnique = true
    else if (cursor.skip('check')) isChecked = true
    else if (cursor.skip('generated') || cursor.skip('as')) isGenerated = true
    else if (cursor.token.value === '(') cursor.group()
    else cursor.at++
  }
  return { isNotNull, isGenerated, isUnique, isChecked, default: said, refersTo }
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
