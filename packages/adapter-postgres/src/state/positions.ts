import { type Claim, type Commit, DroverError, type Partition, type Position } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteText } from '../connection/quote-name.js'
import { valueParsers } from '../connection/value-parsers.js'
import { sqlState } from '../errors/postgres-error.js'
import type { StateTables } from './state-tables.js'
import { endWriters, markWriter } from './writers.js'

interface Stored {
  readonly run: string
  readonly partition: string
  readonly bounds: string
  readonly start: string | null
  readonly fence: number
  readonly sequence: number
  readonly cursor: string
  readonly done: boolean
  readonly counts: string
}

const columns = 'run, "partition", bounds, start, fence, sequence, cursor, done, counts'

/** What an UPDATE that met nothing fails with, so that the COMMIT behind it, in the same message, is not run. */
const overtaken = 'drover: overtaken'

/** Fences and positions of partitions: one row each, for sink and state store alike. */
export class Positions {
  constructor(private readonly tables: StateTables) {}

  /**
   * Raises the fence and says where the partition stands. What an earlier holder has left open is rolled back first: a process
   * that sleeps, or whose host is gone, would keep its rows locked.
   *
   * @throws `FENCED` if a higher fence stands there.
   */
  async claim(connection: PostgresConnection, claim: Claim): Promise<Position | null> {
    const { run, partition, fence } = claim
    const { count } = await connection.query(
      `INSERT INTO ${this.tables.partitions} AS p (run, "partition", bounds, start, fence) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (run, "partition") DO UPDATE SET fence = excluded.fence WHERE p.fence <= excluded.fence`,
      [run, partition.id, ...boundsOf(partition), fence],
    )
    if (count === 0) throw await this.#refusal(connection, claim)
    await endWriters(connection, claim)
    const [position] = await this.of(connection, [run], partition.id)
    return position ?? null
  }

  /**
   * At the beginning of a transaction: lets an heir find it, and refuses early what {@link commitWith} would refuse.
   *
   * @throws `FENCED`
   */
  async enter(connection: PostgresConnection, claim: Claim, sequence: number): Promise<void> {
    const { run, partition } = claim
    // First the mark, then the look: an heir who has not seen the mark has raised the fence before.
    const text = `${markWriter(claim)};
      SELECT fence, sequence FROM ${this.tables.partitions} WHERE run = ${quoteText(run)} AND "partition" = ${quoteText(partition.id)}`
    const results = await connection.run(`looking where partition "${partition.id}" stands`, (client) =>
      client.query({ text, types: valueParsers } as { text: string }),
    )
    const [, standing] = results as unknown as readonly {
      readonly rows: readonly Pick<Stored, 'fence' | 'sequence'>[]
    }[]
    checkStanding(claim, sequence, standing?.rows[0])
  }

  /** Commits the transaction that is open with a position that is one batch further, in one message. @throws `FENCED` */
  async commitWith(connection: PostgresConnection, commit: Commit): Promise<void> {
    const { run, partition, fence, sequence, cursor, done, counts } = commit
    const update = `WITH moved AS (
      UPDATE ${this.tables.partitions} SET fence = ${fence}, sequence = ${sequence}, cursor = ${quoteText(JSON.stringify(cursor))},
        done = ${done}, counts = ${quoteText(JSON.stringify(counts))}, moved_at = clock_timestamp()
      WHERE run = ${quoteText(run)} AND "partition" = ${quoteText(partition.id)} AND fence <= ${fence} AND sequence = ${sequence - 1}
      RETURNING 1)
      SELECT CASE count(*) WHEN 1 THEN 1 ELSE (count(*) || ' ${overtaken}')::int END FROM moved`
    try {
      await connection.commit(update)
    } catch (error) {
      if (!isOvertaken(error)) throw error
      await connection.rollback()
      throw await this.#refusal(connection, commit, sequence)
    }
  }

  /** The same in a transaction of whoever it is, or in none; the partition need not have been claimed. @throws `FENCED` */
  async commit(connection: PostgresConnection, commit: Commit): Promise<void> {
    const { run, partition, fence, sequence, cursor, done, counts } = commit
    const values = [run, partition.id, fence, sequence, JSON.stringify(cursor), done, JSON.stringify(counts)]
    const { count } = await connection.query(
      `UPDATE ${this.tables.partitions} SET fence = $3, sequence = $4, cursor = $5, done = $6, counts = $7, moved_at = clock_timestamp()
       WHERE run = $1 AND "partition" = $2 AND fence <= $3 AND sequence = $4 - 1`,
      values,
    )
    if (count === 1) return
    checkStanding(commit, sequence, await this.#standing(connection, commit))
    const { count: inserted } = await connection.query(
      `INSERT INTO ${this.tables.partitions} (run, "partition", fence, sequence, cursor, done, counts, bounds, start)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
      [...values, ...boundsOf(partition)],
    )
    if (inserted === 0) throw await this.#refusal(connection, commit, sequence)
  }

  /** Refuses who was overtaken meanwhile. @throws `FENCED` */
  async check(connection: PostgresConnection, claim: Claim): Promise<void> {
    const standing = await this.#standing(connection, claim)
    if (standing !== undefined && standing.fence > claim.fence) throw await this.#refusal(connection, claim)
  }

  /** All positions of these runs, in the order in which their partitions were first claimed. */
  async of(connection: PostgresConnection, runs: readonly string[], partition?: string): Promise<Position[]> {
    const { rows } = await connection.query<Stored>(
      `SELECT ${columns} FROM ${this.tables.partitions}
       WHERE run = ANY($1) AND sequence > 0 AND ($2::text IS NULL OR "partition" = $2) ORDER BY ordinal`,
      [runs, partition ?? null],
    )
    return rows.map(positionFrom)
  }

  /**
   * Deletes what is left over of runs that are kept in another store, which cannot be asked what became of them: where all partitions
   * were done 90 days ago, and of others after a year. Not that run itself, which goes on after so long.
   */
  async prune(connection: PostgresConnection, { run }: Claim): Promise<void> {
    await connection.query(
      `WITH stray AS (
         SELECT p.run FROM ${this.tables.partitions} AS p
         WHERE p.run <> $1 AND NOT EXISTS (SELECT FROM ${this.tables.runs} AS r WHERE r.run = p.run)
         GROUP BY p.run
         HAVING max(p.moved_at) < clock_timestamp() - CASE WHEN bool_and(p.done) THEN interval '90 days' ELSE interval '365 days' END)
       DELETE FROM ${this.tables.partitions} AS p USING stray WHERE p.run = stray.run`,
      [run],
      { doing: `deleting old positions from ${this.tables.partitions}` },
    )
  }

  async #standing(
    connection: PostgresConnection,
    { run, partition }: Claim,
  ): Promise<Pick<Stored, 'fence' | 'sequence'> | undefined> {
    const { rows } = await connection.query<Pick<Stored, 'fence' | 'sequence'>>(
      `SELECT fence, sequence FROM ${this.tables.partitions} WHERE run = $1 AND "partition" = $2`,
      [run, partition.id],
    )
    return rows[0]
  }

  /** Why a claim or commit met nothing. */
  async #refusal(connection: PostgresConnection, claim: Claim, sequence?: number): Promise<DroverError> {
    const standing = await this.#standing(connection, claim)
    if (standing === undefined) return fenced(claim, 'its row was deleted')
    if (standing.fence > claim.fence) return fenced(claim, fenceOf(claim, standing))
    return outOfStep(claim, standing.sequence, sequence ?? standing.sequence)
  }
}

function checkStanding(claim: Claim, sequence: number, standing: Pick<Stored, 'fence' | 'sequence'> | undefined): void {
  if (standing !== undefined && standing.fence > claim.fence) throw fenced(claim, fenceOf(claim, standing))
  const last = standing?.sequence ?? 0
  if (sequence !== last + 1) throw outOfStep(claim, last, sequence)
}

/** Nobody claimed it since. A position in front of ours is one that somebody committed; one behind it was durable once, and is not any more. */
function outOfStep(claim: Claim, last: number, sequence: number): DroverError {
  if (last >= sequence) return fenced(claim, `its last batch is ${last}, the commit is number ${sequence}`)
  return new DroverError(
    'FENCED',
    `Partition "${claim.partition.id}" of run ${claim.run}: the database has lost batches that it had committed; its last one is ${last}, and ${sequence - 1} was acknowledged. That happens when a server crashes with synchronous_commit = off, or a replica takes over that was behind. Nothing was written; call again, and it goes on behind batch ${last}.`,
  )
}

function fenceOf({ fence }: Claim, standing: Pick<Stored, 'fence'>): string {
  return `its fence is ${standing.fence}, this process has ${fence}`
}

function isOvertaken(error: unknown): boolean {
  const { cause } = error as { readonly cause?: unknown }
  return sqlState(cause) === '22P02' && String((cause as Error).message).includes(overtaken)
}

export function boundsOf({ bounds, start }: Partition): readonly [string, string | null] {
  return [JSON.stringify(bounds), start === undefined ? null : JSON.stringify(start)]
}

function positionFrom({ run, partition, bounds, start, fence, sequence, cursor, done, counts }: Stored): Position {
  return {
    run,
    partition: {
      id: partition,
      bounds: JSON.parse(bounds),
      ...(start === null ? {} : { start: JSON.parse(start) }),
    },
    fence,
    sequence,
    cursor: JSON.parse(cursor),
    done,
    counts: JSON.parse(counts),
  }
}

function fenced({ run, partition }: Claim, why: string): DroverError {
  return new DroverError(
    'FENCED',
    `Partition "${partition.id}" of run ${run} was claimed by another process: ${why}. Nothing was written; leave the work to that process.`,
  )
}
