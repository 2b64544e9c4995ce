import type { PostgresBatch } from '@drover/adapter-postgres'
import type { Outcome } from '@drover/core'
import { Refusals } from '../../base/refusals.js'
import { requireWholeValues } from '../../base/whole-values.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import { type PostgresRows, rowsOfCheckpoint } from './postgres-encode.js'
import { tableSql } from './postgres-query.js'
import { bufferOf, type PostgresWriting } from './postgres-writer.js'
import { shownCheckpoint } from './sql-language.js'

/**
 * Writes the last checkpoint of each thread and namespace: that store keeps no others. Checkpoints that are older than the one that is there
 * are skipped, one that is newer takes its place.
 */
export class ShallowWriter {
  constructor(private readonly writing: PostgresWriting) {}

  async write(records: readonly CheckpointRecord[], batch: PostgresBatch): Promise<Outcome> {
    const refusals = new Refusals()
    const encoded = records.map((record, row) =>
      refusals.try(row, () => {
        requireWholeValues(record, this.writing.layout, 'langgraph-postgres')
        return rowsOfCheckpoint(record, this.writing.layout)
      }),
    )
    const outcome = { inserted: 0, updated: 0, skipped: 0 }
    for (const [row, record] of records.entries()) {
      const rows = encoded[row]
      if (rows === undefined) continue
      const there = await this.#idOf(record, batch)
      if (there === record.checkpoint_id && this.writing.onConflict === 'error') {
        refusals.add(row, `${shownCheckpoint(record)} is there already.`)
        continue
      }
      // Ids of checkpoints are UUIDs of the sixth version, whose texts are in the order of time.
      const isOlder = there !== undefined && there > record.checkpoint_id
      if (isOlder || (there === record.checkpoint_id && this.writing.onConflict === 'skip')) {
        outcome.skipped++
        continue
      }
      await this.#replace(record, rows, batch)
      if (there === undefined) outcome.inserted++
      else outcome.updated++
    }
    refusals.throwIfAny()
    return outcome
  }

  async #idOf({ thread_id, checkpoint_ns }: CheckpointRecord, batch: PostgresBatch): Promise<string | undefined> {
    const { rows } = await batch.query<{ readonly id: string | null }>(
      `SELECT checkpoint ->> 'id' AS id FROM ${this.#table('checkpoints')} WHERE thread_id = $1 AND checkpoint_ns = $2 FOR UPDATE`,
      [thread_id, checkpoint_ns],
    )
    return rows[0] === undefined ? undefined : (rows[0].id ?? '')
  }

  async #replace(record: CheckpointRecord, rows: PostgresRows, batch: PostgresBatch): Promise<void> {
    const scope = [record.thread_id, record.checkpoint_ns]
    await batch.query(
      `INSERT INTO ${this.#table('checkpoints')} (thread_id, checkpoint_ns, checkpoint, metadata) VALUES ($1, $2, $3::jsonb, $4::jsonb)
       ON CONFLICT (thread_id, checkpoint_ns) DO UPDATE SET checkpoint = EXCLUDED.checkpoint, metadata = EXCLUDED.metadata`,
      [...scope, rows.checkpoint, rows.metadata],
    )
    for (const table of ['checkpoint_blobs', 'checkpoint_writes']) {
      await batch.query(`DELETE FROM ${this.#table(table)} WHERE thread_id = $1 AND checkpoint_ns = $2`, scope)
    }
    await batch.query(
      `INSERT INTO ${this.#table('checkpoint_blobs')} (thread_id, checkpoint_ns, channel, type, blob)
       SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bytea[])`,
      [
        ...scope,
        rows.blobs.map(({ channel }) => channel),
        rows.blobs.map(({ type }) => type),
        rows.blobs.map(({ blob }) => (blob === null ? null : bufferOf(blob))),
      ],
    )
    await batch.query(
      `INSERT INTO ${this.#table('checkpoint_writes')} (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob)
       SELECT $1, $2, $3, * FROM unnest($4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::bytea[])`,
      [
        ...scope,
        record.checkpoint_id,
        rows.writes.map(({ task_id }) => task_id),
        rows.writes.map(({ task_path }) => task_path),
        rows.writes.map(({ idx }) => idx),
        rows.writes.map(({ channel }) => channel),
        rows.writes.map(({ type }) => type),
        rows.writes.map(({ blob }) => bufferOf(blob)),
      ],
    )
  }

  #table(name: string): string {
    return tableSql(this.writing.schema, name)
  }
}
