import type { PostgresBatch } from '@drover/adapter-postgres'
import type { OnConflict, Outcome, Warning } from '@drover/core'
import { Refusals } from '../../base/refusals.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import { type PostgresRows, rowsOfCheckpoint } from './postgres-encode.js'
import { tableSql } from './postgres-query.js'
import type { PostgresLayoutName } from './postgres-tables.js'
import { shownCheckpoint } from './sql-language.js'

export interface PostgresWriting {
  readonly layout: PostgresLayoutName
  readonly schema: string | undefined
  readonly onConflict: OnConflict
  readonly warn: ((warning: Warning) => void) | undefined
}

/** A record with its rows, and its place in the page. */
interface Encoded {
  readonly row: number
  readonly record: CheckpointRecord
  readonly rows: PostgresRows
}

/** The value of a channel at one of its versions; checkpoints share them. */
interface Blob {
  readonly row: number
  readonly values: readonly [string, string, string, string, string, Buffer | null]
}

/** Writes checkpoints with their values and writes into the three tables, with one statement each. */
export class PostgresWriter {
  #hasWarned = false
  #hasLeftOut = false

  constructor(private readonly writing: PostgresWriting) {}

  async write(records: readonly CheckpointRecord[], batch: PostgresBatch): Promise<Outcome> {
    const { layout, onConflict } = this.writing
    const refusals = new Refusals()
    const all = records.flatMap((record, row): Encoded[] => {
      const rows = refusals.try(row, () => rowsOfCheckpoint(record, layout))
      return rows === undefined ? [] : [{ row, record, rows }]
    })
    const there = await this.#there(all, batch)
    if (onConflict === 'error') {
      for (const { row, record } of there) refusals.add(row, `${shownCheckpoint(record)} is there already.`)
    }
    refusals.throwIfAny()
    const written = onConflict === 'skip' ? all.filter((one) => !there.has(one)) : all
    await this.#writeBlobs(written, batch)
    await this.#writeCheckpoints(written, batch)
    await this.#writeWrites(written, there, batch)
    this.#leaveOut(written)
    const updated = onConflict === 'update' ? there.size : 0
    return { inserted: written.length - updated, updated, skipped: all.length - written.length }
  }

  /** Those whose key is in the store, or came before in the page. */
  async #there(all: readonly Encoded[], batch: PostgresBatch): Promise<Set<Encoded>> {
    const { rows } = await batch.query<{ readonly place: number }>(
      `SELECT k.place::int AS place FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k(t, n, c, place)
       JOIN ${this.#table('checkpoints')} AS p ON p.thread_id = k.t AND p.checkpoint_ns = k.n AND p.checkpoint_id = k.c`,
      keysOf(all),
      { doing: `looking for checkpoints in ${this.#table('checkpoints')}` },
    )
    return new Set(rows.map(({ place }) => all[place - 1] as Encoded))
  }

  async #writeCheckpoints(all: readonly Encoded[], batch: PostgresBatch): Promise<void> {
    await batch.query(
      `INSERT INTO ${this.#table('checkpoints')} (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata)
       SELECT t, n, c, p, k::jsonb, m::jsonb FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS u(t, n, c, p, k, m)
       ${
         this.writing.onConflict === 'update'
           ? `ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id) DO UPDATE SET parent_checkpoint_id = EXCLUDED.parent_checkpoint_id,
              type = NULL, checkpoint = EXCLUDED.checkpoint, metadata = EXCLUDED.metadata`
           : ''
       }`,
      [
        ...keysOf(all),
        all.map(({ record }) => record.parent_checkpoint_id),
        all.map(({ rows }) => rows.checkpoint),
        all.map(({ rows }) => rows.metadata),
      ],
      { doing: `writing into ${this.#table('checkpoints')}` },
    )
  }

  async #writeWrites(all: readonly Encoded[], there: ReadonlySet<Encoded>, batch: PostgresBatch): Promise<void> {
    const table = this.#table('checkpoint_writes')
    const replaced = all.filter((one) => there.has(one))
    if (replaced.length > 0) {
      await batch.query(
        `DELETE FROM ${table} AS w USING unnest($1::text[], $2::text[], $3::text[]) AS k(t, n, c)
         WHERE w.thread_id = k.t AND w.checkpoint_ns = k.n AND w.checkpoint_id = k.c`,
        keysOf(replaced),
        { doing: `replacing writes in ${table}` },
      )
    }
    const writes = all.flatMap(({ record, rows }) => rows.writes.map((write) => ({ record, write })))
    if (writes.length === 0) return
    const hasPath = this.writing.layout !== 'langgraph-js-postgres'
    const columns = ['thread_id', 'checkpoint_ns', 'checkpoint_id', 'task_id', 'idx', 'channel', 'type', 'blob']
    const updated = ['channel', 'type', 'blob', ...(hasPath ? ['task_path'] : [])]
    await batch.query(
      `INSERT INTO ${table} (${columns.join(', ')}${hasPath ? ', task_path' : ''})
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::bytea[]${hasPath ? ', $9::text[]' : ''})
       ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx) DO UPDATE SET ${updated.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}`,
      [
        ...keysOf(writes),
        writes.map(({ write }) => write.task_id),
        writes.map(({ write }) => write.idx),
        writes.map(({ write }) => write.channel),
        writes.map(({ write }) => write.type),
        writes.map(({ write }) => bufferOf(write.blob)),
        ...(hasPath ? [writes.map(({ write }) => write.task_path)] : []),
      ],
      { doing: `writing into ${table}` },
    )
  }

  /**
   * A value that is there at its version stays, as with the libraries. Versions of Python's are never given twice, so what differs was written
   * again by another process; those of JavaScript's count from 1, and a branch of a thread, or a thread with a history of its own, would get values of
   * another one.
   */
  async #writeBlobs(all: readonly Encoded[], batch: PostgresBatch): Promise<void> {
    const blobs = this.#blobsOf(all)
    if (blobs.length === 0) return
    const table = this.#table('checkpoint_blobs')
    const isReplaced = this.writing.onConflict === 'update'
    const columns = [0, 1, 2, 3, 4, 5].map((place) => blobs.map(({ values }) => values[place]))
    const unnested = `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])`
    if (isReplaced && this.writing.layout === 'langgraph-js-postgres') await this.#refuseShared(blobs, all, batch)
    const { count } = await batch.query(
      `INSERT INTO ${table} AS b (thread_id, checkpoint_ns, channel, version, type, blob) SELECT * FROM ${unnested}
       ON CONFLICT (thread_id, checkpoint_ns, channel, version) ${
         isReplaced
           ? 'DO UPDATE SET type = EXCLUDED.type, blob = EXCLUDED.blob WHERE (b.type, b.blob) IS DISTINCT FROM (EXCLUDED.type, EXCLUDED.blob)'
           : 'DO NOTHING'
       }`,
      columns,
      { doing: `writing into ${table}` },
    )
    if (isReplaced || count === blobs.length) return
    const { rows } = await batch.query<{ readonly place: number }>(
      `SELECT u.place::int AS place FROM ${unnested} WITH ORDINALITY AS u(t, n, c, v, y, b, place)
       JOIN ${table} AS k ON k.thread_id = u.t AND k.checkpoint_ns = u.n AND k.channel = u.c AND k.version = u.v
       WHERE (k.type, k.blob) IS DISTINCT FROM (u.y, u.b)`,
      columns,
      { doing: `comparing with ${table}` },
    )
    this.#differ(
      rows.map(({ place }) => blobs[place - 1] as Blob),
      all,
    )
  }

  /** Values that would be replaced, and that checkpoints have which are not: those would be changed. */
  async #refuseShared(blobs: readonly Blob[], all: readonly Encoded[], batch: PostgresBatch): Promise<void> {
    const columns = [0, 1, 2, 3, 4, 5].map((place) => blobs.map(({ values }) => values[place]))
    const { rows } = await batch.query<{ readonly place: number }>(
      `SELECT u.place::int AS place
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[]) WITH ORDINALITY AS u(t, n, c, v, y, b, place)
       JOIN ${this.#table('checkpoint_blobs')} AS k ON k.thread_id = u.t AND k.checkpoint_ns = u.n AND k.channel = u.c AND k.version = u.v
       WHERE (k.type, k.blob) IS DISTINCT FROM (u.y, u.b) AND EXISTS (
         SELECT FROM ${this.#table('checkpoints')} AS p
         WHERE p.thread_id = u.t AND p.checkpoint_ns = u.n AND p.checkpoint -> 'channel_versions' ->> u.c = u.v
           AND (p.thread_id, p.checkpoint_ns, p.checkpoint_id) NOT IN (SELECT * FROM unnest($7::text[], $8::text[], $9::text[])))`,
      [...columns, ...keysOf(all)],
      { doing: `comparing with ${this.#table('checkpoint_blobs')}` },
    )
    this.#differ(
      rows.map(({ place }) => blobs[place - 1] as Blob),
      all,
    )
  }

  /** Each once, and in the order of their keys, so that two lanes at the same thread wait for each other in the same order. */
  #blobsOf(all: readonly Encoded[]): readonly Blob[] {
    const blobs = new Map<string, Blob>()
    const differing: Blob[] = []
    for (const { row, record, rows } of all) {
      for (const { channel, version, type, blob } of rows.blobs) {
        const bytes = blob === null ? null : bufferOf(blob)
        const values = [record.thread_id, record.checkpoint_ns, channel, version, type, bytes] as const
        const key = JSON.stringify(values.slice(0, 4))
        const known = blobs.get(key)
        if (known === undefined) blobs.set(key, { row, values })
        else if (!isSame(known, { row, values })) differing.push({ row, values })
      }
    }
    this.#differ(differing, all)
    return [...blobs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, blob]) => blob)
  }

  #differ(blobs: readonly Blob[], all: readonly Encoded[]): void {
    const [first] = blobs
    if (first === undefined) return
    const { layout, warn } = this.writing
    const [thread, , channel, version] = first.values
    const what = `The value of the channel "${channel}" of thread ${JSON.stringify(thread)} at version ${version}`
    if (layout === 'langgraph-js-postgres') {
      const refusals = new Refusals()
      for (const { row, values } of blobs) {
        const record = all.find((one) => one.row === row)?.record
        const shown = record === undefined ? 'A checkpoint' : shownCheckpoint(record)
        refusals.add(
          row,
          `${shown}: the channel "${values[2]}" has another value at version ${values[3]} in another branch of that thread, or in a history of its own that the store has of it, ` +
            `and "${layout}" keeps one value for each version. Write it into a store that keeps values with their checkpoint, such as langgraph-js-sqlite.`,
        )
      }
      refusals.throwIfAny()
    }
    if (this.#hasWarned) return
    this.#hasWarned = true
    warn?.({
      code: 'VALUES_DIFFER',
      message: `${what} was written in several forms by the source. The first one is kept for all checkpoints that share the version, as the library does.`,
    })
  }

  #leaveOut(all: readonly Encoded[]): void {
    const first = this.#hasLeftOut ? undefined : all.find(({ rows }) => rows.leftOut.length > 0)
    if (first === undefined) return
    this.#hasLeftOut = true
    this.writing.warn?.({
      code: 'VALUES_LEFT_OUT',
      message:
        `${shownCheckpoint(first.record)}, and maybe others: the channel "${first.rows.leftOut[0]}" has a value and no version, for nobody has written to it. ` +
        `"${this.writing.layout}" keeps values by version, so the graph that goes on from there makes it again from its own default, as it does with what the library itself writes.`,
    })
  }

  #table(name: string): string {
    return tableSql(this.writing.schema, name)
  }
}

function keysOf(all: readonly { readonly record: CheckpointRecord }[]): readonly (readonly string[])[] {
  return [
    all.map(({ record }) => record.thread_id),
    all.map(({ record }) => record.checkpoint_ns),
    all.map(({ record }) => record.checkpoint_id),
  ]
}

function isSame(a: Blob, b: Blob): boolean {
  const [, , , , type, bytes] = a.values
  const [, , , , otherType, other] = b.values
  return type === otherType && (bytes === null || other === null ? bytes === other : bytes.equals(other))
}

/** pg writes a Buffer as bytea, also within an array. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
