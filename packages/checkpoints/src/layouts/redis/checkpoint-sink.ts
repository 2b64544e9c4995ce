import type { CommandLine, Reply } from '@drover/adapter-redis'
import {
  type AckSession,
  type AckSink,
  type Batch,
  checkChoice,
  DroverError,
  type Outcome,
  type Row,
  type Source,
} from '@drover/core'
import { placeName } from '../../base/place-name.js'
import { Refusals } from '../../base/refusals.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { LayoutOptions, LayoutSinkOptions } from '../layout.js'
import { shownCheckpoint } from '../sql/sql-language.js'
import { type CheckpointDraft, draftOf, readsBackOfRedis } from './checkpoint-commands.js'
import { CheckpointKeys, type CheckpointName, type RedisCheckpointLayout } from './checkpoint-keys.js'
import { checkpointReading } from './checkpoint-reading.js'
import { redisLayoutSource } from './redis-layout-source.js'
import type { DocumentForm } from './redis-reader.js'
import { RedisWriter, type Writing } from './redis-writer.js'
import { membersOf, storedName } from './stored-document.js'

const mostBatchBytes = 8 * 1024 * 1024

/**
 * Writes checkpoints as a library keeps them in RedisJSON. A checkpoint that is written again is the same keys. The shallow layout keeps the
 * last checkpoint of each thread and namespace.
 */
export function checkpointRedisSink(
  layout: RedisCheckpointLayout,
  options: LayoutOptions & LayoutSinkOptions,
  form: DocumentForm = 'json',
): AckSink<CheckpointRecord> {
  const { place, keyPrefix, onConflict = 'update' } = options
  checkChoice(layout, 'onConflict', onConflict, ['error', 'skip', 'update'])
  if (onConflict === 'error') {
    throw new DroverError(
      'OPTION_INVALID',
      `${layout}: onConflict is 'update' or 'skip': after a crash checkpoints are written again, and would be refused for the keys that they made.`,
    )
  }
  const names = new CheckpointKeys(layout, keyPrefix)
  return {
    specVersion: 1,
    name: `${layout} ${placeName(place)} ${names.keyPrefix}`,
    version: onConflict,
    guarantee: 'idempotent',
    batchSize: 200,
    limits: { bytes: mostBatchBytes },
    connect: async (operation) => {
      const readBack = () =>
        redisLayoutSource(layout, options, checkpointReading(layout, keyPrefix), form) as Source<object> as Source
      return new CheckpointSession(
        await RedisWriter.open(layout, options, form, operation),
        names,
        onConflict,
        readBack,
      )
    },
  }
}

class CheckpointSession implements AckSession<CheckpointRecord> {
  readonly readBack?: () => Source
  readonly readsBackAs = (record: Row): Row =>
    readsBackOfRedis(record as object as CheckpointRecord, this.names) as object as Row

  constructor(
    private readonly writer: RedisWriter,
    private readonly names: CheckpointKeys,
    private readonly onConflict: 'skip' | 'update',
    readBack: () => Source,
  ) {
    // What a shallow store does not keep cannot be verified there.
    if (names.layout !== 'langgraph-redis-shallow') this.readBack = readBack
  }

  async write(batch: Batch<CheckpointRecord>): Promise<Outcome> {
    const outcome = { inserted: 0, updated: 0, skipped: 0 }
    let first = 0
    for await (const page of batch) {
      const { inserted, updated, skipped } = await this.#writePage(page.rows(), first)
      outcome.inserted += inserted
      outcome.updated += updated
      outcome.skipped += skipped
      first += page.rows().length
    }
    return outcome
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]()
  }

  async #writePage(records: readonly CheckpointRecord[], first: number): Promise<Outcome> {
    const refusals = new Refusals()
    const setting = (key: string, text: string) => this.writer.setting(key, text)
    const drafts = records.map((record, i) => refusals.try(first + i, () => draftOf(record, this.names, setting)))
    refusals.throwIfAny()
    const there = await this.#there(records)
    const outcome = { inserted: 0, updated: 0, skipped: 0 }
    const chosen = new Map<string, Chosen>()
    for (const [i, record] of records.entries()) {
      const draft = drafts[i] as CheckpointDraft
      const known = there.get(draft.key) ?? null
      const what = refusals.try(first + i, () => this.#whatOf(record, draft.key, known))
      if (what === undefined) continue
      outcome[what]++
      if (what === 'skipped') continue
      chosen.set(draft.key, { row: first + i, record, draft, isThere: known !== null })
      there.set(draft.key, record)
    }
    refusals.throwIfAny()
    const stale = await this.#staleWrites([...chosen.values()])
    const writings = [...chosen.values()].map(
      ({ row, draft }, i): Writing => ({ row, commands: [...(stale[i] ?? []), ...draft.commands] }),
    )
    await this.writer.write(writings, refusals)
    refusals.throwIfAny()
    return outcome
  }

  /** What lies under the keys of checkpoints, by key: which checkpoint, or what else. */
  async #there(records: readonly CheckpointRecord[]): Promise<Map<string, CheckpointName | 'other' | null>> {
    const keys = [...new Set(records.map((record) => this.names.checkpoint(record)))]
    const replies = await this.writer.look(keys.map((key) => this.writer.getting(key)))
    return new Map(keys.map((key, i) => [key, nameIn(replies[i] ?? null)]))
  }

  /** @throws `RECORD_REFUSED` if its key is somebody else's */
  #whatOf(record: CheckpointRecord, key: string, known: CheckpointName | 'other' | null): keyof Outcome {
    if (known === null) return 'inserted'
    const isShallow = this.names.layout === 'langgraph-redis-shallow'
    const isSame = known !== 'other' && known.checkpoint_id === record.checkpoint_id
    const isOfScope =
      known !== 'other' && known.thread_id === record.thread_id && known.checkpoint_ns === record.checkpoint_ns
    if (known === 'other' || !isOfScope || (!isShallow && !isSame)) {
      const what = known === 'other' ? 'something that is no checkpoint' : shownCheckpoint(known)
      throw new DroverError(
        'RECORD_REFUSED',
        `${shownCheckpoint(record)} cannot be kept: its key is ${JSON.stringify(key)}, and under that lies ${what}. Separators in the names of threads and namespaces can do that: rename the thread, write it into another database, or into SQL.`,
      )
    }
    // Ids of checkpoints are UUIDs of the sixth version, whose texts are in the order of time.
    if (isShallow && known.checkpoint_id > record.checkpoint_id) return 'skipped'
    return isSame && this.onConflict === 'skip' ? 'skipped' : 'updated'
  }

  /** What removes the writes that a checkpoint which is replaced has, and its record does not. Parallel to what was chosen. */
  async #staleWrites(chosen: readonly Chosen[]): Promise<readonly (readonly CommandLine[])[]> {
    const replaced = chosen.filter(({ isThere }) => isThere)
    const replies = await this.writer.look(
      replaced.map(({ record }): CommandLine => ['ZRANGE', this.names.writes(record), 0, -1]),
    )
    const found = new Map(replaced.map((one, i) => [one, replies[i]]))
    return chosen.map((one) => {
      const members = found.get(one)
      const own = new Set(one.draft.writeKeys)
      const stale = Array.isArray(members) ? members.map(String).filter((key) => !own.has(key)) : []
      if (stale.length === 0) return []
      const removal: CommandLine = ['ZREM', this.names.writes(one.record), ...stale]
      return [removal, ...stale.map((key): CommandLine => ['UNLINK', key])]
    })
  }
}

/** A checkpoint that is written. */
interface Chosen {
  readonly row: number
  readonly record: CheckpointRecord
  readonly draft: CheckpointDraft
  readonly isThere: boolean
}

function nameIn(reply: Reply): CheckpointName | 'other' | null {
  if (reply === null) return null
  if (!Buffer.isBuffer(reply)) return 'other'
  try {
    return storedName(membersOf(reply.toString()))
  } catch {
    return 'other'
  }
}
