import { type Claim, type Commit, DroverError, type MaybePromise, type Partition, type Position } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import type { StateTables } from './state-tables.js'

/** The few calls that positions need, inside a transaction of whoever it is. */
export interface PositionTransaction {
  get(sql: string, values: readonly (string | number | null)[]): MaybePromise<readonly unknown[] | undefined>
  /** How many rows changed. */
  run(sql: string, values: readonly (string | number | null)[]): MaybePromise<number>
}

/** The transaction that is open on a connection. */
export function transactionOf(connection: SqliteConnection): PositionTransaction {
  return {
    get: (sql, values) => connection.get(sql, values),
    run: async (sql, values) => (await connection.run(sql, values)).changes,
  }
}

/** Fences and positions of partitions: one row each, for sink and state store alike. */
export class Positions {
  readonly #columns = '"partition", bounds, start, fence, sequence, cursor, done, counts'

  constructor(private readonly tables: StateTables) {}

  /** Raises the fence and says where the partition stands. @throws `FENCED` if a higher fence stands there. */
  async claim(tx: PositionTransaction, { run, partition, fence }: Claim): Promise<Position | null> {
    const standing = await this.fenceOf(tx, run, partition)
    if (standing !== null && standing > fence) {
      throw fenced(run, partition, `its fence is ${standing}, the claim has ${fence}`)
    }
    await tx.run(
      `INSERT INTO ${this.tables.partitions} (run, "partition", bounds, start, fence) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (run, "partition") DO UPDATE SET fence = excluded.fence`,
      [run, partition.id, ...boundsOf(partition), fence],
    )
    return this.positionOf(tx, run, partition)
  }

  /** The fence that stands there; null if nobody ever claimed the partition. */
  async fenceOf(tx: PositionTransaction, run: string, partition: Partition): Promise<number | null> {
    const [found] = await this.#standing(tx, run, partition)
    return found
  }

  async positionOf(tx: PositionTransaction, run: string, partition: Partition): Promise<Position | null> {
    const row = await tx.get(
      `SELECT ${this.#columns} FROM ${this.tables.partitions} WHERE run = ? AND "partition" = ? AND sequence > 0`,
      [run, partition.id],
    )
    return row === undefined ? null : positionFrom(run, row)
  }

  /** Refuses early what `commit` would refuse. @throws `FENCED` */
  async check(tx: PositionTransaction, { run, partition, fence }: Claim, sequence: number): Promise<void> {
    const [standing, last] = await this.#standing(tx, run, partition)
    if (standing !== null && standing > fence) {
      throw fenced(run, partition, `its fence is ${standing}, the commit has ${fence}`)
    }
    if (sequence !== last + 1)
      throw fenced(run, partition, `its last batch is ${last}, the commit is number ${sequence}`)
  }

  /** Stores a position that is one batch further, under the same or a higher fence. @throws `FENCED` */
  async commit(tx: PositionTransaction, commit: Commit): Promise<void> {
    const { run, partition, fence, sequence, cursor, done, counts } = commit
    const values = [fence, sequence, JSON.stringify(cursor), done ? 1 : 0, JSON.stringify(counts)]
    const changed = await tx.run(
      `UPDATE ${this.tables.partitions} SET fence = ?, sequence = ?, cursor = ?, done = ?, counts = ?
       WHERE run = ? AND "partition" = ? AND fence <= ? AND sequence = ?`,
      [...values, run, partition.id, fence, sequence - 1],
    )
    if (changed === 1) return
    await this.check(tx, commit, sequence)
    await tx.run(
      `INSERT INTO ${this.tables.partitions} (fence, sequence, cursor, done, counts, run, "partition", bounds, start)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [...values, run, partition.id, ...boundsOf(partition)],
    )
  }

  /** All positions of a run, in the order in which its partitions were first claimed. */
  async of(connection: SqliteConnection, run: string): Promise<Position[]> {
    const rows = await connection.all(
      `SELECT ${this.#columns} FROM ${this.tables.partitions} WHERE run = ? AND sequence > 0 ORDER BY ordinal`,
      [run],
    )
    return rows.map((row) => positionFrom(run, row))
  }

  async #standing(tx: PositionTransaction, run: string, partition: Partition): Promise<[number | null, number]> {
    const row = await tx.get(
      `SELECT fence, sequence FROM ${this.tables.partitions} WHERE run = ? AND "partition" = ?`,
      [run, partition.id],
    )
    return row === undefined ? [null, 0] : [Number(row[0]), Number(row[1])]
  }
}

function boundsOf({ bounds, start }: Partition): [string, string | null] {
  return [JSON.stringify(bounds), start === undefined ? null : JSON.stringify(start)]
}

function positionFrom(run: string, row: readonly unknown[]): Position {
  const [id, bounds, start, fence, sequence, cursor, done, counts] = row as [
    string,
    string,
    string | null,
    number,
    number,
    string,
    number,
    string,
  ]
  return {
    run,
    partition: { id, bounds: JSON.parse(bounds), ...(start === null ? {} : { start: JSON.parse(start) }) },
    fence,
    sequence,
    cursor: JSON.parse(cursor),
    done: done === 1,
    counts: JSON.parse(counts),
  }
}

function fenced(run: string, partition: Partition, why: string): DroverError {
  return new DroverError(
    'FENCED',
    `Partition "${partition.id}" of run ${run} was claimed by another process: ${why}. Nothing was written; leave the work to that process.`,
  )
}
