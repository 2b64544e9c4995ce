import type { Dialect } from '../contracts/migration.js'
import { type Token, tokensOf } from './tokens.js'

/** What a statement does, as far as its words say. */
export interface StatementKind {
  /** `transaction`: BEGIN, COMMIT, SAVEPOINT and their like. */
  readonly kind: 'read' | 'write' | 'transaction'
  /** As PostgreSQL names it in its answer: `SELECT`, also of WITH … SELECT; `UPDATE`. */
  readonly command: string
  /** It gives rows. */
  readonly hasRows: boolean
  /** It cannot be in a transaction. */
  readonly isOutside: boolean
}

const changes = ['insert', 'update', 'delete', 'merge', 'replace']
const reads = ['select', 'values', 'table', 'show', 'fetch']
const transactionWords = ['begin', 'commit', 'rollback', 'end', 'abort', 'savepoint', 'release', 'start']

/**
 * Functions of PostgreSQL that change something. A SELECT with another function that does, one of the application's own perhaps, is taken for one
 * that reads: within `DO $$ BEGIN PERFORM … END $$` it is a step.
 */
const changingFunctions = [
  'setval',
  'nextval',
  'set_config',
  'pg_notify',
  'lo_create',
  'lo_unlink',
  'lo_put',
  'dblink_exec',
]

/** PRAGMAs that read with an argument: https://www.sqlite.org/pragma.html */
const readingPragmas =
  /^(?:table_(?:list|info|xinfo)|index_(?:list|info|xinfo)|foreign_key_(?:list|check)|integrity_check|quick_check|(?:database|function|module|pragma|collation)_list|compile_options)$/

/** Tells a statement that reads from one that writes, and knows those that PostgreSQL and SQLite refuse within a transaction. */
export function statementKind(sql: string, dialect: Dialect): StatementKind {
  const tokens = tokensOf(sql, dialect)
  return kindOf(tokens, dialect)
}

function kindOf(tokens: readonly Token[], dialect: Dialect): StatementKind {
  const first = word(tokens, openParens(tokens))
  if (transactionWords.includes(first) || (first === 'prepare' && word(tokens, 1) === 'transaction')) {
    return { kind: 'transaction', command: first.toUpperCase(), hasRows: false, isOutside: false }
  }
  if (first === 'pragma') return pragmaKind(tokens)
  if (first === 'explain') return explainKind(tokens, dialect)
  const main = first === 'with' ? mainWord(tokens) : first
  const isRead = reads.includes(main) && !isChanging(tokens, main, dialect)
  return {
    kind: isRead ? 'read' : 'write',
    command: commandOf(main),
    hasRows: reads.includes(main) || tokens.some(({ kind, value }) => kind === 'word' && value === 'returning'),
    isOutside: !isRead && isOutside(tokens, dialect),
  }
}

function commandOf(main: string): string {
  return main === 'values' || main === 'table' ? 'SELECT' : main.toUpperCase()
}

/** Of WITH: the word behind its subqueries. */
function mainWord(tokens: readonly Token[]): string {
  let depth = 0
  for (const { kind, value } of tokens) {
    if (kind === 'symbol' && value === '(') depth++
    else if (kind === 'symbol' && value === ')') depth--
    else if (kind === 'word' && depth === 0 && (changes.includes(value) || reads.includes(value))) return value
  }
  return 'with'
}

/** A SELECT that changes: a subquery with RETURNING, INTO a new table, or a function known for it. */
function isChanging(tokens: readonly Token[], main: string, dialect: Dialect): boolean {
  if (dialect !== 'postgres') return false
  let depth = 0
  for (const [i, { kind, value }] of tokens.entries()) {
    const before = tokens[i - 1]?.value
    if (kind === 'symbol' && value === '(') depth++
    else if (kind === 'symbol' && value === ')') depth--
    else if (kind !== 'word') continue
    else if (changes.includes(value) && before === '(' && tokens[i + 1]?.value !== '(') return true
    else if (value === 'into' && depth === 0 && main === 'select') return true
    else if (changingFunctions.includes(value) && tokens[i + 1]?.value === '(') return true
  }
  return false
}

/** What CONCURRENTLY stands behind. */
const relations = ['index', 'table', 'schema', 'database']

function isOutside(tokens: readonly Token[], dialect: Dialect): boolean {
  const first = word(tokens, 0)
  if (first === 'vacuum') return true
  if (dialect === 'sqlite') return first === 'attach' || first === 'detach'
  const words = tokens.slice(0, 8).map((token) => (token.kind === 'word' ? token.value : ''))
  const isConcurrent = words.some((each, i) => each === 'concurrently' && relations.includes(words[i - 1] ?? ''))
  if (isConcurrent) return ['create', 'drop', 'reindex'].includes(first)
  if (first === 'alter' && words.includes('detach') && tokens.at(-1)?.value === 'concurrently') return true
  if (['create', 'drop'].includes(first)) return ['database', 'tablespace', 'subscription'].includes(words[1] ?? '')
  return first === 'alter' && words[1] === 'system'
}

function pragmaKind(tokens: readonly Token[]): StatementKind {
  // PRAGMA schema.name
  const at = tokens[2]?.value === '.' ? 3 : 1
  const name = tokens[at]?.value.toLowerCase() ?? ''
  const isRead = tokens.length === at + 1 || readingPragmas.test(name)
  return {
    kind: isRead ? 'read' : 'write',
    command: 'PRAGMA',
    hasRows: true,
    isOutside: !isRead && ['journal_mode', 'synchronous'].includes(name),
  }
}

function explainKind(tokens: readonly Token[], dialect: Dialect): StatementKind {
  const start = tokens.findIndex(
    ({ kind, value }) =>
      kind === 'word' && (value === 'with' || value === 'create' || changes.includes(value) || reads.includes(value)),
  )
  const explained = start < 0 ? undefined : kindOf(tokens.slice(start), dialect)
  const isRun = tokens.slice(0, start).some(({ value }) => value === 'analyze' || value === 'analyse')
  return {
    kind: isRun && explained?.kind === 'write' ? 'write' : 'read',
    command: 'EXPLAIN',
    hasRows: true,
    isOutside: false,
  }
}

function openParens(tokens: readonly Token[]): number {
  return tokens.findIndex(({ value }) => value !== '(')
}

function word(tokens: readonly Token[], at: number): string {
  const token = tokens[at]
  return token?.kind === 'word' ? token.value : ''
}
