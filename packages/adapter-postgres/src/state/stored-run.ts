import type { Control, JsonValue, Partition, Position, RunLease, RunState, RunStatus, Settlement } from '@drover/core'

/** Columns of a row of the table of runs, as {@link StoredRun} has them; times are milliseconds since 1970. */
export const runColumns = `run, name, fingerprint, partitions, status, ${millis('started_at')} AS "startedAt",
  ${millis('completed_at')} AS "completedAt", outcome, control`

export interface StoredRun {
  readonly run: string
  readonly name: string
  readonly fingerprint: string
  readonly partitions: string
  readonly status: RunStatus
  readonly startedAt: number
  readonly completedAt: number | null
  readonly outcome: string | null
  readonly control: Control
}

export function runState(stored: StoredRun, positions: readonly Position[], leases: readonly RunLease[]): RunState {
  const { run, name, fingerprint, partitions, status, startedAt, completedAt, outcome, control } = stored
  return {
    run,
    name,
    fingerprint: JSON.parse(fingerprint) as JsonValue,
    partitions: JSON.parse(partitions) as Partition[],
    status,
    startedAt: new Date(startedAt),
    ...(completedAt === null ? {} : { completedAt: new Date(completedAt) }),
    ...(outcome === null ? {} : { lastOutcome: JSON.parse(outcome) as Settlement }),
    positions,
    control,
    leases,
  }
}

/** SQL that gives a time in milliseconds since 1970. */
export function millis(column: string): string {
  return `floor(extract(epoch FROM ${column}) * 1000)::float8`
}
