import { DroverError, type Row } from '@drover/core'
import type { JournalEntry, JournalEvent } from '../contracts/journal.js'
import type { Dialect } from '../contracts/migration.js'
import type { Glance } from './journal.js'

/** Columns of an entry, in the order of {@link entryValues}. */
export const entryColumns = [
  'revision',
  'status',
  'origin',
  'depends_on',
  'description',
  'is_compatible',
  'checksum',
  'recorded_sql',
  'steps',
  'open_step',
  'notes',
  'actor',
  'started_at',
  'applied_at',
  'duration_ms',
] as const

export const eventColumns = ['at', 'revision', 'action', 'actor', 'duration_ms', 'detail'] as const

const instants: readonly string[] = ['started_at', 'applied_at', 'at']

/** A column as it is read: instants as milliseconds in PostgreSQL, as text of ISO 8601 in SQLite. */
export function readColumn(dialect: Dialect, name: string): string {
  if (dialect === 'sqlite' || !instants.includes(name)) return name
  return `(extract(epoch FROM ${name}) * 1000)::float8 AS ${name}`
}

/** The placeholder of the nth value, counted from 1. */
export function valueMark(dialect: Dialect, name: string, n: number): string {
  if (dialect === 'sqlite') return '?'
  return instants.includes(name) ? `$${n}::timestamptz` : `$${n}`
}

export function entryValues(entry: JournalEntry): readonly unknown[] {
  return [
    entry.revision,
    entry.status,
    entry.origin,
    JSON.stringify(entry.dependsOn),
    entry.description,
    entry.isCompatible ? 1 : 0,
    entry.checksum,
    entry.sql,
    JSON.stringify(entry.steps),
    entry.openStep ?? null,
    JSON.stringify(entry.notes),
    entry.actor,
    entry.startedAt.toISOString(),
    entry.appliedAt?.toISOString() ?? null,
    Math.round(entry.durationMs),
  ]
}

export function eventValues(event: JournalEvent): readonly unknown[] {
  const { at, revision, action, actor, durationMs, detail } = event
  return [at.toISOString(), revision, action, actor, Math.round(durationMs), detail]
}

/** @throws `JOURNAL_INVALID` */
export function glanceOf(row: Row, where: string): Glance {
  const revision = text(row, 'revision', where)
  const at = `${where}, revision ${revision}`
  return {
    revision,
    status: word(row, 'status', ['applied', 'begun', 'reverting'], at),
    checksum: text(row, 'checksum', at),
    isCompatible: Number(row.is_compatible) === 1,
    dependsOn: texts(row, 'depends_on', at),
  }
}

/** @throws `JOURNAL_INVALID` */
export function journalEntry(row: Row, where: string): JournalEntry {
  const glance = glanceOf(row, where)
  const at = `${where}, revision ${glance.revision}`
  const appliedAt = instant(row, 'applied_at', at)
  const openStep = row.open_step
  return {
    ...glance,
    origin: word(row, 'origin', ['run', 'stamped', 'baseline', 'adopted'], at),
    description: text(row, 'description', at),
    sql: text(row, 'recorded_sql', at),
    steps: texts(row, 'steps', at),
    ...(openStep === null || openStep === undefined ? {} : { openStep: Number(openStep) }),
    notes: texts(row, 'notes', at),
    actor: text(row, 'actor', at),
    startedAt: instant(row, 'started_at', at) ?? new Date(0),
    ...(appliedAt === undefined ? {} : { appliedAt }),
    durationMs: Number(row.duration_ms),
  }
}

export function journalEvent(row: Row, where: string): JournalEvent {
  return {
    at: instant(row, 'at', where) ?? new Date(0),
    revision: text(row, 'revision', where),
    action: text(row, 'action', where) as JournalEvent['action'],
    actor: text(row, 'actor', where),
    durationMs: Number(row.duration_ms),
    detail: text(row, 'detail', where),
  }
}

function text(row: Row, name: string, where: string): string {
  const value = row[name]
  if (typeof value !== 'string') throw invalid(where, name, 'is no text')
  return value
}

function texts(row: Row, name: string, where: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text(row, name, where))
    if (Array.isArray(list) && list.every((one) => typeof one === 'string')) return list
  } catch (error) {
    if (DroverError.isInstance(error)) throw error
  }
  throw invalid(where, name, 'is no list of texts in JSON')
}

function word<W extends string>(row: Row, name: string, words: readonly W[], where: string): W {
  const value = text(row, name, where)
  const found = words.find((one) => one === value)
  if (found === undefined) throw invalid(where, name, `is "${value}", and has to be one of ${words.join(', ')}`)
  return found
}

function instant(row: Row, name: string, where: string): Date | undefined {
  const value = row[name]
  if (value === null || value === undefined) return undefined
  const date = new Date(value as string | number)
  if (Number.isNaN(date.getTime())) throw invalid(where, name, 'is no instant')
  return date
}

function invalid(where: string, column: string, what: string): DroverError {
  return new DroverError(
    'JOURNAL_INVALID',
    `${where}: the column ${column} ${what}. Somebody has edited the journal by hand: put it right, or restore it from a backup.`,
  )
}
