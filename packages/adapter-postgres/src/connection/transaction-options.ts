import { quoteName, quoteText } from './quote-name.js'

export interface TransactionOptions {
  /** Nothing can be written. @default as the database was opened */
  readonly readonly?: boolean
  /** @default 'read committed' */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  /** A snapshot that another transaction exported with `pg_export_snapshot()`; it needs 'repeatable read'. */
  readonly snapshot?: string
  /** Instead of the options of the database. */
  readonly statementTimeoutMs?: number
  readonly lockTimeoutMs?: number
  /** More settings for the time of the transaction, such as `{ TimeZone: 'UTC' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** What holds in each transaction of a database. */
export interface TransactionDefaults {
  readonly isReadonly: boolean
  readonly statementTimeoutMs: number | undefined
  readonly lockTimeoutMs: number | undefined
  /** For connections that are not ours. */
  readonly applicationName: string | undefined
}

/**
 * How values are written as text, so that none is rounded and each can be read again, whatever the application or the role has
 * set. The time zone is not among them: what SQL of the user computes with it is his.
 */
const textForms = { DateStyle: 'ISO', IntervalStyle: 'iso_8601', extra_float_digits: '1', bytea_output: 'hex' }

/**
 * The statements that begin a transaction, for one message. Settings are of the transaction alone, so nothing is left behind on a
 * connection of the application, and nothing is lost behind a pooler that gives each transaction another connection.
 */
export function beginSql(options: TransactionOptions, defaults: TransactionDefaults): string {
  const isReadonly = options.readonly ?? defaults.isReadonly
  const isolation = options.isolation ?? 'read committed'
  const statementTimeoutMs = options.statementTimeoutMs ?? defaults.statementTimeoutMs
  const lockTimeoutMs = options.lockTimeoutMs ?? defaults.lockTimeoutMs
  const settings: Record<string, string> = { ...textForms, ...options.settings }
  if (defaults.applicationName !== undefined) settings.application_name = defaults.applicationName
  if (statementTimeoutMs !== undefined) settings.statement_timeout = String(statementTimeoutMs)
  if (lockTimeoutMs !== undefined) settings.lock_timeout = String(lockTimeoutMs)
  return [
    // Not READ WRITE: who has default_transaction_read_only switched on, because the disk is nearly full perhaps, means us too.
    `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}${isReadonly ? ' READ ONLY' : ''}`,
    ...(options.snapshot === undefined ? [] : [`SET TRANSACTION SNAPSHOT ${quoteText(options.snapshot)}`]),
    ...Object.entries(settings).map(([name, value]) => `SET LOCAL ${quoteName(name)} = ${quoteText(value)}`),
  ].join('; ')
}
