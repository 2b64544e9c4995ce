import type { Control, NewRun, RunStatus, Settlement } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { StateTables } from './state-tables.js'
import { runColumns, type StoredRun } from './stored-run.js'

/** Rows of the table of runs. What asks for a run that is not there answers with false. */
export class Runs {
  constructor(
    private readonly tables: StateTables,
    private readonly retentionDays: number,
  ) {}

  /** In a transaction: creates the run, or gives the one that was quicker; undefined if the run to follow is not there. */
  async open(connection: PostgresConnection, run: string, wanted: NewRun): Promise<StoredRun | undefined> {
    const { name, fingerprint, partitions, follows } = wanted
    // One after the other, for each name.
    await connection.query('SELECT pg_catalog.pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `drover opens ${this.tables.runs} ${name}`,
    ])
    const newest = await this.newest(connection, name)
    if ((newest?.run ?? null) !== follows) return newest
    await this.#prune(connection)
    const { rows } = await connection.query<StoredRun>(
      `INSERT INTO ${this.tables.runs} (run, name, fingerprint, partitions, status, started_at, control)
       VALUES ($1, $2, $3, $4, 'open', clock_timestamp(), '{"state":"run"}') RETURNING ${runColumns}`,
      [run, name, JSON.stringify(fingerprint), JSON.stringify(partitions)],
    )
    return rows[0]
  }

  async newest(connection: PostgresConnection, name: string): Promise<StoredRun | undefined> {
    const { rows } = await connection.query<StoredRun>(
      `SELECT ${runColumns} FROM ${this.tables.runs} WHERE name = $1 ORDER BY ordinal DESC LIMIT 1`,
      [name],
    )
    return rows[0]
  }

  /** The newest run of each name. */
  async list(connection: PostgresConnection, status: RunStatus | undefined): Promise<readonly StoredRun[]> {
    const { rows } = await connection.query<StoredRun>(
      `SELECT ${runColumns} FROM ${this.tables.runs}
       WHERE ordinal IN (SELECT max(ordinal) FROM ${this.tables.runs} GROUP BY name) AND ($1::text IS NULL OR status = $1)
       ORDER BY ordinal`,
      [status ?? null],
    )
    return rows
  }

  async has(connection: PostgresConnection, run: string): Promise<boolean> {
    const { rows } = await connection.query(`SELECT FROM ${this.tables.runs} WHERE run = $1`, [run])
    return rows.length > 0
  }

  /** What is not named stays, and another state has another reason: as `changedControl` does it. */
  async control(connection: PostgresConnection, run: string, wanted: Partial<Control>): Promise<boolean> {
    const { count } = await connection.query(
      `UPDATE ${this.tables.runs} SET
         control = CASE WHEN $2::jsonb ? 'state' THEN control - 'reason' ELSE control END || $2::jsonb
       WHERE run = $1`,
      [run, JSON.stringify(wanted)],
    )
    return count > 0
  }

  /** What was asked for is done: the next attempt is not to stop at once. */
  async settle(connection: PostgresConnection, run: string, settlement: Settlement): Promise<boolean> {
    const { count } = await connection.query(
      `UPDATE ${this.tables.runs} SET
         control = CASE control ->> 'state' WHEN 'stop' THEN control - 'reason' || '{"state":"run"}' ELSE control END,
         outcome = CASE status WHEN 'completed' THEN outcome ELSE $2 END,
         completed_at = CASE WHEN status <> 'completed' AND $3 THEN clock_timestamp() ELSE completed_at END,
         status = CASE WHEN $3 THEN 'completed' ELSE status END
       WHERE run = $1`,
      [run, JSON.stringify(settlement), settlement.outcome === 'completed'],
    )
    return count > 0
  }

  /** Runs that were followed by another one, and ended long ago. */
  async #prune(connection: PostgresConnection): Promise<void> {
    const { runs, partitions } = this.tables
    await connection.query(
      `WITH old AS (
         DELETE FROM ${runs} AS r
         WHERE coalesce(completed_at, started_at) < clock_timestamp() - $1::int * interval '1 day'
           AND EXISTS (SELECT FROM ${runs} AS n WHERE n.name = r.name AND n.ordinal > r.ordinal)
         RETURNING run)
       DELETE FROM ${partitions} WHERE run IN (SELECT run FROM old)`,
      [this.retentionDays],
    )
  }
}
