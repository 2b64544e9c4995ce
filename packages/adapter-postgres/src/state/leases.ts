import {
  type Control,
  DroverError,
  type Held,
  isHolderGone,
  type JsonValue,
  type Lease,
  type Partition,
  type RunLease,
} from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { boundsOf, type Positions } from './positions.js'
import type { StateTables } from './state-tables.js'
import { millis } from './stored-run.js'

export interface LeaseRequest {
  readonly run: string
  readonly partition: Partition
  readonly holder: string
  readonly ttlMs: number
}

interface StoredLease {
  readonly run: string
  readonly partition: string
  readonly holder: string
  readonly expiresAt: number
  readonly leftMs: number
  readonly telling: string | null
}

/** SQL: that many milliseconds from now on, by the server's clock. */
const later = (value: string): string => `clock_timestamp() + ${value}::float8 * interval '1 millisecond'`

/** Leases are rows of the table of partitions: no lock of a session, so a pooler may give each statement another one. */
export class Leases {
  constructor(
    private readonly tables: StateTables,
    private readonly positions: Positions,
  ) {}

  /** Null if there is no such run. */
  async acquire(connection: PostgresConnection, want: LeaseRequest): Promise<Lease | Held | null> {
    const { run, partition, holder } = want
    /** A holder that this host knows to be gone. */
    let gone: string | null = null
    for (;;) {
      const taken = await this.#take(connection, want, gone)
      if (taken !== undefined) {
        const [position] = await this.positions.of(connection, [run], partition.id)
        return { run, partition, holder, ...taken, position: position ?? null }
      }
      const { rows } = await connection.query<{ heldBy: string | null; expiresAt: number | null }>(
        `SELECT holder AS "heldBy", ${millis('expires_at')} AS "expiresAt" FROM ${this.tables.partitions}
         WHERE run = $1 AND "partition" = $2`,
        [run, partition.id],
      )
      const [standing] = rows
      if (standing === undefined) return null
      const { heldBy, expiresAt } = standing
      // It was given back between the two statements.
      if (heldBy === null) continue
      if (heldBy === gone || !isHolderGone(heldBy)) return { heldBy, expiresAt: new Date(expiresAt ?? 0) }
      gone = heldBy
    }
  }

  /** @throws `LEASE_LOST` */
  async heartbeat(
    connection: PostgresConnection,
    lease: Lease,
    { ttlMs, telling }: { readonly ttlMs: number; readonly telling?: JsonValue },
  ): Promise<Control> {
    const { run, partition, fence, holder } = lease
    const { rows } = await connection.query<{ control: Control }>(
      `WITH beat AS (
         UPDATE ${this.tables.partitions} SET expires_at = ${later('$5')}, telling = coalesce($6, telling)
         WHERE run = $1 AND "partition" = $2 AND fence = $3 AND holder = $4 RETURNING run)
       SELECT r.control FROM ${this.tables.runs} AS r JOIN beat USING (run)`,
      [run, partition.id, fence, holder, ttlMs, telling === undefined ? null : JSON.stringify(telling)],
    )
    const [found] = rows
    if (found === undefined) throw await this.#lost(connection, lease)
    return found.control
  }

  async release(connection: PostgresConnection, { run, partition, fence, holder }: Lease): Promise<void> {
    await connection.query(
      `UPDATE ${this.tables.partitions} SET holder = NULL, expires_at = NULL, telling = NULL
       WHERE run = $1 AND "partition" = $2 AND fence = $3 AND holder = $4`,
      [run, partition.id, fence, holder],
    )
  }

  /** The leases of these runs that were not given back, by run. */
  async of(connection: PostgresConnection, runs: readonly string[]): Promise<Map<string, RunLease[]>> {
    const { rows } = await connection.query<StoredLease>(
      `SELECT run, "partition", holder, ${millis('expires_at')} AS "expiresAt", telling,
         greatest(0, extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 AS "leftMs"
       FROM ${this.tables.partitions} WHERE run = ANY($1) AND holder IS NOT NULL ORDER BY ordinal`,
      [runs],
    )
    const byRun = new Map<string, RunLease[]>(runs.map((run) => [run, []]))
    for (const { run, ...stored } of rows) byRun.get(run)?.push(runLease(stored))
    return byRun
  }

  async #take(
    connection: PostgresConnection,
    { run, partition, holder, ttlMs }: LeaseRequest,
    gone: string | null,
  ): Promise<Pick<Lease, 'fence' | 'expiresAt'> | undefined> {
    const { rows } = await connection.query<{ fence: number; expiresAt: number }>(
      `INSERT INTO ${this.tables.partitions} AS p (run, "partition", bounds, start, fence, holder, expires_at)
       SELECT r.run, $2, $3, $4, 1, $5, ${later('$6')} FROM ${this.tables.runs} AS r WHERE r.run = $1
       ON CONFLICT (run, "partition") DO UPDATE SET fence = p.fence + 1, holder = excluded.holder, expires_at = excluded.expires_at,
         telling = NULL
       WHERE p.holder IS NULL OR p.holder IN (excluded.holder, $7) OR p.expires_at <= clock_timestamp()
       RETURNING fence, ${millis('expires_at')} AS "expiresAt"`,
      [run, partition.id, ...boundsOf(partition), holder, ttlMs, gone],
    )
    const [taken] = rows
    return taken === undefined ? undefined : { fence: taken.fence, expiresAt: new Date(taken.expiresAt) }
  }

  async #lost(connection: PostgresConnection, { run, partition }: Lease): Promise<DroverError> {
    const { rows } = await connection.query<{ holder: string | null }>(
      `SELECT holder FROM ${this.tables.partitions} WHERE run = $1 AND "partition" = $2`,
      [run, partition.id],
    )
    const holder = rows[0]?.holder ?? null
    const becameOf = holder === null ? 'it was given back' : `${holder} has it now`
    return new DroverError(
      'LEASE_LOST',
      `The lease of partition "${partition.id}" of run ${run} is lost: ${becameOf}. Leave the work to the process that has it.`,
    )
  }
}

function runLease({ partition, holder, expiresAt, leftMs, telling }: Omit<StoredLease, 'run'>): RunLease {
  return {
    partition,
    holder,
    expiresAt: new Date(expiresAt),
    leftMs: isHolderGone(holder) ? 0 : leftMs,
    ...(telling === null ? {} : { telling: JSON.parse(telling) as JsonValue }),
  }
}
