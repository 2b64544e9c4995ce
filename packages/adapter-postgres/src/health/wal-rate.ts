import type { HealthSignal } from '@drover/core'
import type { SharedDatabase } from './shared-database.js'

const sql = `
  SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::float8 AS written,
    extract(epoch FROM pg_catalog.clock_timestamp())::float8 AS "at"`

const name = 'WAL rate'

/** Bytes of write-ahead log per second since the last reading; the first one knows of none. */
export function walRate(database: SharedDatabase, most: number): HealthSignal {
  let before: { readonly written: number; readonly at: number } | undefined
  return {
    name,
    async check(operation) {
      const [now] = await database.query<{ written: number; at: number }>(name, sql, operation)
      const seconds = now === undefined || before === undefined ? 0 : now.at - before.at
      // After a failover the new server may be behind the old one.
      const bytes = now === undefined || before === undefined ? 0 : Math.max(0, now.written - before.written)
      before = now
      const rate = seconds > 0 ? bytes / seconds : 0
      return { load: rate / most, reason: `WAL rate ${megabytes(rate)} of ${megabytes(most)}` }
    },
    async close() {
      before = undefined
      await database.close(name)
    },
  }
}

function megabytes(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(1)} MB/s`
}
