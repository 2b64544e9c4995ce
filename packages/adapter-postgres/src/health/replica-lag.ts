import { DroverError, type HealthSignal } from '@drover/core'
import type { SharedDatabase } from './shared-database.js'

/**
 * `replay_lag` is the time that the last answered piece of WAL took; of a standby that stopped replaying it stays what it
 * was (https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW). Hence the positions.
 */
const sql = `
  SELECT s.application_name AS name, s.pid, s.state IS NULL AS "isHidden",
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::float8 AS written,
    pg_catalog.pg_wal_lsn_diff(s.replay_lsn, '0/0')::float8 AS replayed,
    extract(epoch FROM pg_catalog.clock_timestamp())::float8 * 1000 AS "at",
    extract(epoch FROM s.replay_lag)::float8 * 1000 AS "lagMs"
  FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_stat_replication AS s ON s.state IS DISTINCT FROM 'backup'`

interface Standby {
  readonly name: string | null
  /** Null if there is none. */
  readonly pid: number | null
  readonly isHidden: boolean
  readonly written: number
  readonly replayed: number | null
  readonly at: number
  readonly lagMs: number | null
}

/** Where the log stood when. */
interface Mark {
  readonly at: number
  readonly written: number
}

const mostMarks = 1_000

export const replicaLagName = 'replica lag'

/** The lag of the standby that is farthest behind. */
export function replicaLag(database: SharedDatabase, maxMs: number): HealthSignal {
  let marks: Mark[] = []
  return {
    name: replicaLagName,
    async check(operation) {
      const rows = await database.query<Standby>(replicaLagName, sql, operation)
      const standbys = rows.filter(({ pid }) => pid !== null)
      if (standbys.some(({ isHidden }) => isHidden)) {
        throw new DroverError(
          'STORE_DENIED',
          'The lag of the standbys is not shown to this user: GRANT pg_monitor TO it, or leave replicaLagMs out.',
        )
      }
      const [row] = rows
      if (row !== undefined) marks.push({ at: row.at, written: row.written })
      const known = standbys.filter(({ replayed }) => replayed !== null)
      const oldest = Math.min(...known.map(({ replayed }) => replayed ?? 0))
      // What all of them have replayed is no lag any more.
      marks = marks.filter(({ written }) => written > oldest).slice(-mostMarks)
      let worst = { ms: 0, name: '' }
      for (const standby of known) {
        const ms = Math.max(standby.lagMs ?? 0, behind(standby, marks))
        if (ms >= worst.ms) worst = { ms, name: standby.name ?? '' }
      }
      const who = worst.name === '' ? '' : ` (${worst.name})`
      const none = standbys.length === 0 ? ', no standby is connected' : ''
      return { load: worst.ms / maxMs, reason: `replica lag ${seconds(worst.ms)} of ${seconds(maxMs)}${who}${none}` }
    },
    async close() {
      marks = []
      await database.close(replicaLagName)
    },
  }
}

/** How long ago something was written that the standby has not replayed: never more than the truth. */
function behind({ replayed, at }: Standby, marks: readonly Mark[]): number {
  const first = marks.find(({ written }) => written > (replayed ?? 0))
  return first === undefined ? 0 : at - first.at
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
}
