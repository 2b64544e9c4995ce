import {
  type Control,
  isHolderGone,
  type JsonValue,
  type RunLease,
  type RunState,
  type RunStatus,
  type Settlement,
} from '@drover/core'
import type { SqliteValue } from '../connection/sqlite-connection.js'

/** Columns of a row of the table of runs, as {@link storedRun} takes them. */
export const runColumns = 'run, name, fingerprint, partitions, status, started_at, completed_at, outcome, control'

export type StoredRun = Omit<RunState, 'positions'> & { readonly control: Control }

/** Of partition, holder, expires_at, what is left of it, telling. */
export function runLease(row: readonly SqliteValue[]): RunLease {
  const [partition, holder, expiresAt, leftMs, telling] = row as [string, string, number, number, string | null]
  return {
    partition,
    holder,
    expiresAt: new Date(expiresAt),
    leftMs: isHolderGone(holder) ? 0 : leftMs,
    ...(telling === null ? {} : { telling: JSON.parse(telling) as JsonValue }),
  }
}

export function storedRun(row: readonly SqliteValue[]): StoredRun {
  const [run, name, fingerprint, partitions, status, startedAt, completedAt, outcome, control] = row as [
    string,
    string,
    string,
    string,
    RunStatus,
    number,
    number | null,
    string | null,
    string,
  ]
  return {
    run,
    name,
    fingerprint: JSON.parse(fingerprint),
    partitions: JSON.parse(partitions),
    status,
    startedAt: new Date(startedAt),
    ...(completedAt === null ? {} : { completedAt: new Date(completedAt) }),
    ...(outcome === null ? {} : { lastOutcome: JSON.parse(outcome) as Settlement }),
    control: JSON.parse(control),
  }
}
