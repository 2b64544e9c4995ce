import type { SchemaChanges } from '../contracts/schema-changes.js'

/** One line of a revision: a word of `schema`, or `sql`, with what it is given. */
export interface Call {
  readonly word: keyof SchemaChanges | 'sql'
  readonly given: readonly unknown[]
}

/** One change and its way back. */
export interface Change {
  readonly phase: Phase
  readonly up: readonly Call[]
  readonly down: readonly Call[]
  /** Sentences for whoever reads the revision, above it. */
  readonly comments?: readonly string[]
  /** Nobody knows yet: the revision throws this until somebody has decided. */
  readonly undecided?: string
  /** Outside a transaction, in a revision behind the others: what is built while others write. */
  readonly isLate?: boolean
}

/** The order in which changes are made. */
export const phases = [
  'rename table',
  'rename column',
  'drop trigger',
  'drop view',
  'drop foreign key',
  'drop check',
  'drop index',
  'drop unique',
  'drop key',
  'archive',
  'drop generated column',
  'drop column',
  'make enum',
  'make table',
  'add column',
  'change column',
  'rebuild table',
  'add generated column',
  'add key',
  'add unique',
  'add check',
  'make index',
  'add foreign key',
  'drop table',
  'make view',
  'make trigger',
  'drop enum',
] as const

export type Phase = (typeof phases)[number]

export function schemaCall<Word extends keyof SchemaChanges>(
  word: Word,
  ...given: Parameters<SchemaChanges[Word]>
): Call {
  return { word, given }
}

export function sqlCall(sql: string): Call {
  return { word: 'sql', given: [sql] }
}

/** In the order of their phases; those of one phase as they came. */
export function inOrder(changes: readonly Change[]): Change[] {
  return [...changes].sort((a, b) => phases.indexOf(a.phase) - phases.indexOf(b.phase))
}
