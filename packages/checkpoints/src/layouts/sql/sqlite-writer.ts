import type { SqliteBatch } from '@drover/adapter-sqlite'
import type { OnConflict, Outcome } from '@drover/core'
import { Refusals } from '../../base/refusals.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { shownCheckpoint } from './sql-language.js'
import { type SqliteValues, sqliteValuesOf } from './sqlite-encode.js'
import type { SqliteLayoutName } from './sqlite-tables.js'

const keyed = 'thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?'
const noBytes = new Uint8Array(0)

/** Writes checkpoints, each one value with all of its channels, and their writes. */
export class SqliteWriter {
  constructor(
    private readonly layout: SqliteLayoutName,
    private readonly onConflict: OnConflict,
  ) {}

  async write(records: readonly CheckpointRecord[], batch: SqliteBatch, signal: AbortSignal): Promise<Outcome> {
    const refusals = new Refusals()
    const outcome = { inserted: 0, updated: 0, skipped: 0 }
    for (const [row, record] of records.entries()) {
      const encoded = refusals.try(row, () => sqliteValuesOf(record, this.layout))
      if (encoded === undefined) continue
      signal.throwIfAborted()
      const key = [record.thread_id, record.checkpoint_ns, record.checkpoint_id]
      const isThere = (await batch.all(`SELECT 1 AS one FROM checkpoints WHERE ${keyed}`, key)).length > 0
      if (isThere && this.onConflict === 'error') refusals.add(row, `${shownCheckpoint(record)} is there already.`)
      else if (isThere && this.onConflict === 'skip') outcome.skipped++
      else {
        if (isThere) await batch.run(`DELETE FROM writes WHERE ${keyed}`, key)
        await this.#insert(record, encoded, batch)
        if (isThere) outcome.updated++
        else outcome.inserted++
      }
    }
    refusals.throwIfAny()
    return outcome
  }

  async #insert(
    record: CheckpointRecord,
    { checkpoint, metadata, writes }: SqliteValues,
    batch: SqliteBatch,
  ): Promise<void> {
    const key = [record.thread_id, record.checkpoint_ns, record.checkpoint_id]
    await batch.run(
      'INSERT OR REPLACE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)',
      [...key, record.parent_checkpoint_id, checkpoint.type, checkpoint.bytes, metadata],
    )
    const hasPath = this.layout === 'langgraph-sqlite'
    for (const [i, { task_id, task_path, idx, channel }] of record.writes.entries()) {
      const { type, bytes } = writes[i] as StoredValue
      await batch.run(
        `INSERT OR REPLACE INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, value${hasPath ? ', task_path' : ''})
         VALUES (?, ?, ?, ?, ?, ?, ?, ?${hasPath ? ', ?' : ''})`,
        [...key, task_id, BigInt(idx), channel, type, bytes ?? noBytes, ...(hasPath ? [task_path] : [])],
      )
    }
  }
}
