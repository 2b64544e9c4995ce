import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  type Commit,
  type Control,
  changedControl,
  checkOptionNames,
  DroverError,
  type Held,
  isHolderGone,
  type JsonValue,
  type Lease,
  type NewRun,
  type Operation,
  type Partition,
  type RunLease,
  type RunState,
  type RunStatus,
  type Settlement,
  settledControl,
  type TransactionalStateStore,
} from '@drover/core'
import type { Knex } from 'knex'
import { databaseLocation } from '../connection/database-location.js'
import { locationName, locationOptions, openSqlite } from '../connection/open-sqlite.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { checkWritable, openWriter, type WriterLocation } from '../writer/open-writer.js'
import { writeTransaction } from '../writer/write-turn.js'
import { knexTransaction, positionsIn } from './knex-transaction.js'
import { Positions, transactionOf } from './positions.js'
import { checkTablePrefix, ensureStateTables, haveStateTables, type StateTables, stateTables } from './state-tables.js'
import { runColumns, runLease, type StoredRun, storedRun } from './stored-run.js'

/** Options of {@link sqliteStateStore}. */
export interface SqliteStateStoreOptions extends WriterLocation {
  /** What the names of its three tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
}

/**
 * Keeps runs in a SQLite database, in three tables that it creates. A backfiller written by hand gets a knex transaction of
 * the same database as `tx`: what it writes there and the position are committed together, so each batch happens once.
 *
 * It connects at the first call, and again after it was disposed of.
 *
 * @throws `OPTION_INVALID`; its methods: `STATE_INVALID`, `FENCED`, `LEASE_LOST`, `STORE_BUSY`, `STORE_FULL`,
 *   `STORE_DENIED`, `STORE_UNAVAILABLE`.
 *
 * @example
 * await runBackfill({ backfiller, state: sqliteStateStore({ filename: 'chat.db' }) })
 */
export function sqliteStateStore(options: SqliteStateStoreOptions): TransactionalStateStore<Knex.Transaction> {
  const where = 'sqliteStateStore'
  checkOptionNames(where, options, [...locationOptions, 'synchronous', 'tablePrefix'])
  checkWritable(where, options)
  checkTablePrefix(where, options.tablePrefix)
  return new SqliteStateStore(options, true)
}

/** The store of a sink that never creates a database. */
export function stateStoreWithin(options: SqliteStateStoreOptions): TransactionalStateStore<Knex.Transaction> {
  return new SqliteStateStore(options, false)
}

const now = `CAST(round(unixepoch('subsec') * 1000) AS INTEGER)`

class SqliteStateStore implements TransactionalStateStore<Knex.Transaction> {
  readonly specVersion = 1
  readonly name: string
  readonly #tables: StateTables
  readonly #positions: Positions
  #connection: Promise<SqliteConnection> | undefined
  /** For the transactions of others: their statements must not land in ours. */
  #lent: Promise<SqliteConnection> | undefined

  constructor(
    private readonly options: SqliteStateStoreOptions,
    private readonly create: boolean,
  ) {
    this.name = `sqlite ${locationName(options)}`
    this.#tables = stateTables(options.tablePrefix)
    this.#positions = new Positions(this.#tables)
  }

  async setup(): Promise<void> {
    await this.#open()
  }

  async open(wanted: NewRun, _operation: Operation): Promise<RunState> {
    const connection = await this.#open()
    const { name, fingerprint, partitions, follows } = wanted
    return writeTransaction(connection, async () => {
      const newest = await this.#newest(connection, name)
      if ((newest?.run ?? null) !== follows) {
        if (newest !== undefined) return this.#stateOf(connection, newest)
        throw new DroverError(
          'STATE_INVALID',
          `"${name}": the run ${follows} that the new one is to follow is no longer in ${this.name}. Its state was deleted meanwhile: call again.`,
        )
      }
      await connection.run(
        `INSERT INTO ${this.#tables.runs} (run, name, fingerprint, partitions, status, started_at, control)
         VALUES (?, ?, ?, ?, 'open', ${now}, ?)`,
        [randomUUID(), name, JSON.stringify(fingerprint), JSON.stringify(partitions), JSON.stringify({ state: 'run' })],
      )
      return this.#stateOf(connection, (await this.#newest(connection, name)) as StoredRun)
    })
  }

  async load(name: string, _operation: Operation): Promise<RunState | null> {
    const connection = await this.#look()
    const newest = connection === null ? undefined : await this.#newest(connection, name)
    return connection === null || newest === undefined ? null : this.#stateOf(connection, newest)
  }

  async *list({ status }: Operation & { readonly status?: RunStatus }): AsyncGenerator<RunState> {
    const connection = await this.#look()
    if (connection === null) return
    const rows = await connection.all(
      `SELECT ${runColumns} FROM ${this.#tables.runs}
       WHERE ordinal IN (SELECT max(ordinal) FROM ${this.#tables.runs} GROUP BY name) ORDER BY ordinal`,
    )
    for (const row of rows) {
      const run = storedRun(row)
      if (status === undefined || run.status === status) yield this.#stateOf(connection, run)
    }
  }

  async acquire(
    want: { readonly run: string; readonly partition: Partition; readonly holder: string; readonly ttlMs: number },
    _operation: Operation,
  ): Promise<Lease | Held> {
    const connection = await this.#open()
    const { run, partition, holder, ttlMs } = want
    return writeTransaction(connection, async () => {
      await this.#require(connection, run)
      const standing = await connection.get(
        `SELECT fence, holder, expires_at, ${now} FROM ${this.#tables.partitions} WHERE run = ? AND "partition" = ?`,
        [run, partition.id],
      )
      const [fence, heldBy, expiresAt, time] = (standing ?? [0, null, null, 0]) as [
        number,
        string | null,
        number | null,
        number,
      ]
      if (heldBy !== null && heldBy !== holder && (expiresAt ?? 0) > time && !isHolderGone(heldBy)) {
        return { heldBy, expiresAt: new Date(expiresAt ?? 0) }
      }
      const position = await this.#positions.claim(transactionOf(connection), { run, partition, fence: fence + 1 })
      await connection.run(
        `UPDATE ${this.#tables.partitions} SET holder = ?, expires_at = ${now} + ?, telling = NULL WHERE run = ? AND "partition" = ?`,
        [holder, ttlMs, run, partition.id],
      )
      const [until] = (await connection.get(
        `SELECT expires_at FROM ${this.#tables.partitions} WHERE run = ? AND "partition" = ?`,
        [run, partition.id],
      )) as [number]
      return { run, partition, fence: fence + 1, holder, expiresAt: new Date(until), position }
    })
  }

  async heartbeat(
    lease: Lease,
    { ttlMs, telling }: Operation & { readonly ttlMs: number; readonly telling?: JsonValue },
  ): Promise<Control> {
    const connection = await this.#open()
    const { run, partition, fence, holder } = lease
    return writeTransaction(connection, async () => {
      const { changes } = await connection.run(
        `UPDATE ${this.#tables.partitions} SET expires_at = ${now} + ?, telling = coalesce(?, telling)
         WHERE run = ? AND "partition" = ? AND fence = ? AND holder = ?`,
        [ttlMs, telling === undefined ? null : JSON.stringify(telling), run, partition.id, fence, holder],
      )
      if (changes !== 1) throw await this.#lost(connection, lease)
      return (await this.#require(connection, run)).control
    })
  }

  async release(lease: Lease, _operation: Operation): Promise<void> {
    const connection = await this.#open()
    const { run, partition, fence, holder } = lease
    await writeTransaction(connection, () =>
      connection.run(
        `UPDATE ${this.#tables.partitions} SET holder = NULL, expires_at = NULL, telling = NULL
         WHERE run = ? AND "partition" = ? AND fence = ? AND holder = ?`,
        [run, partition.id, fence, holder],
      ),
    )
  }

  async control(run: string, wanted: Partial<Control>, _operation: Operation): Promise<void> {
    const connection = await this.#open()
    await writeTransaction(connection, async () => {
      const { control } = await this.#require(connection, run)
      await this.#setControl(connection, run, changedControl(control, wanted))
    })
  }

  async commit(commit: Commit, _operation: Operation): Promise<void> {
    const connection = await this.#open()
    await writeTransaction(connection, async () => {
      await this.#require(connection, commit.run)
      await this.#positions.commit(transactionOf(connection), commit)
    })
  }

  async settle(run: string, settlement: Settlement, _operation: Operation): Promise<void> {
    const connection = await this.#open()
    await writeTransaction(connection, async () => {
      const { control, status } = await this.#require(connection, run)
      if (control.state === 'stop') await this.#setControl(connection, run, settledControl(control))
      if (status === 'completed') return
      const completes = settlement.outcome === 'completed'
      await connection.run(
        `UPDATE ${this.#tables.runs} SET outcome = ?${completes ? `, status = 'completed', completed_at = ${now}` : ''} WHERE run = ?`,
        [JSON.stringify(settlement), run],
      )
    })
  }

  async transaction<T>(
    work: (tx: Knex.Transaction) => Promise<{ readonly commit: Commit; readonly value: T }>,
    _operation: Operation,
  ): Promise<T> {
    const connection = await this.#lend()
    const { busyTimeoutMs = 5000 } = this.options
    return knexTransaction(connection, { table: this.#tables.partitions, busyTimeoutMs }, async (tx) => {
      const { commit, value } = await work(tx)
      await this.#positions.commit(positionsIn(tx), commit)
      return value
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = [this.#connection, this.#lent]
    this.#connection = undefined
    this.#lent = undefined
    for (const connection of open) await (await connection)?.[Symbol.asyncDispose]()
  }

  /** Null if there is nothing to look at: who only looks, perhaps in the wrong place, makes neither a file nor tables. */
  async #look(): Promise<SqliteConnection | null> {
    const { filename, knex, ...options } = this.options
    if (this.#connection !== undefined || filename === undefined) return this.#open()
    const { path } = databaseLocation(filename, 'sqliteStateStore')
    if (path !== null && !existsSync(path)) return null
    const { driver, busyTimeoutMs } = options
    const location = {
      filename,
      ...(driver === undefined ? {} : { driver }),
      ...(busyTimeoutMs === undefined ? {} : { busyTimeoutMs }),
    }
    await using connection = await openSqlite({ ...location, create: false })
    return (await haveStateTables(connection, this.#tables)) ? this.#open() : null
  }

  #open(): Promise<SqliteConnection> {
    this.#connection ??= this.#connect(() => {
      this.#connection = undefined
    })
    return this.#connection
  }

  #lend(): Promise<SqliteConnection> {
    this.#lent ??= this.#connect(() => {
      this.#lent = undefined
    })
    return this.#lent
  }

  async #connect(forget: () => void): Promise<SqliteConnection> {
    try {
      const connection = await openWriter(this.options, this.create)
      try {
        await ensureStateTables(connection, this.#tables)
      } catch (error) {
        await connection[Symbol.asyncDispose]()
        throw error
      }
      return connection
    } catch (error) {
      forget()
      throw error
    }
  }

  async #newest(connection: SqliteConnection, name: string): Promise<StoredRun | undefined> {
    const row = await connection.get(
      `SELECT ${runColumns} FROM ${this.#tables.runs} WHERE name = ? ORDER BY ordinal DESC LIMIT 1`,
      [name],
    )
    return row === undefined ? undefined : storedRun(row)
  }

  async #require(connection: SqliteConnection, run: string): Promise<StoredRun> {
    const row = await connection.get(`SELECT ${runColumns} FROM ${this.#tables.runs} WHERE run = ?`, [run])
    if (row !== undefined) return storedRun(row)
    throw new DroverError(
      'STATE_INVALID',
      `There is no run ${run} in ${this.name}. Its state was deleted, or lies in another store: pass that one, or start the run anew.`,
    )
  }

  async #setControl(connection: SqliteConnection, run: string, control: Control): Promise<void> {
    await connection.run(`UPDATE ${this.#tables.runs} SET control = ? WHERE run = ?`, [JSON.stringify(control), run])
  }

  async #lost(connection: SqliteConnection, { run, partition }: Lease): Promise<DroverError> {
    const row = await connection.get(
      `SELECT holder FROM ${this.#tables.partitions} WHERE run = ? AND "partition" = ?`,
      [run, partition.id],
    )
    const holder = row?.[0] ?? null
    const becameOf = holder === null ? 'it was given back' : `${String(holder)} has it now`
    return new DroverError(
      'LEASE_LOST',
      `The lease of partition "${partition.id}" of run ${run} is lost: ${becameOf}. Leave the work to the process that has it.`,
    )
  }

  async #stateOf(connection: SqliteConnection, run: StoredRun): Promise<RunState> {
    const positions = await this.#positions.of(connection, run.run)
    return { ...run, positions, leases: await this.#leasesOf(connection, run.run) }
  }

  async #leasesOf(connection: SqliteConnection, run: string): Promise<RunLease[]> {
    const rows = await connection.all(
      `SELECT "partition", holder, expires_at, max(0, expires_at - ${now}), telling FROM ${this.#tables.partitions}
       WHERE run = ? AND holder IS NOT NULL ORDER BY ordinal`,
      [run],
    )
    return rows.map(runLease)
  }
}
