import type { CommandLine } from '@drover/adapter-redis'
import {
  type AckSession,
  type AckSink,
  type Batch,
  checkChoice,
  DroverError,
  encodeJson,
  type FidelityIssue,
  type Outcome,
  parseInstant,
  type RecordKey,
  type RecordSchema,
  recordId,
} from '@drover/core'
import { placeName } from '../../base/place-name.js'
import { Refusals } from '../../base/refusals.js'
import type { MessageRecord } from '../../records/message-record.js'
import { requireMessages, strangeFields } from '../langchain/message-fields.js'
import { storedData, storedMessage } from '../langchain/message-json.js'
import type { LayoutOptions, LayoutSinkOptions } from '../layout.js'
import { lostBatches } from './lost-batches.js'
import type { DocumentForm } from './redis-reader.js'
import { RedisWriter, type Writing } from './redis-writer.js'
import { readNote, SessionTimes, type TimesNote } from './session-times.js'
import { isUlid, ulidOf } from './ulid.js'

const where = 'langchain-redis-json'
const batchSize = 1_000
const mostBatchBytes = 8 * 1024 * 1024
/** How long it is remembered which times the last batch has given, for a run that is resumed. */
const rememberedMs = 30 * 24 * 60 * 60 * 1000

/**
 * Writes messages as langchain-redis keeps them: a document for each, whose ULID is that of the source, or one that is made of the record. A
 * message that is written again is the same key.
 */
export function chatSink(
  options: LayoutOptions & LayoutSinkOptions,
  form: DocumentForm = 'json',
): AckSink<MessageRecord> {
  const { place, keyPrefix = 'chat:', onConflict = 'update' } = options
  checkChoice(where, 'onConflict', onConflict, ['error', 'skip', 'update'])
  if (onConflict === 'error') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: onConflict is 'update' or 'skip': after a crash messages are written again, and would be refused for the keys that they made.`,
    )
  }
  const name = `${where} ${placeName(place)} ${keyPrefix}`
  return {
    specVersion: 1,
    name,
    version: onConflict,
    guarantee: 'idempotent',
    batchSize,
    // In the order in which records come, by one partition at a time: times that are equal are told apart by it.
    limits: { partitions: 1, records: batchSize, bytes: mostBatchBytes },
    connect: async (operation) =>
      new ChatSession(await RedisWriter.open(where, options, form, operation), name, keyPrefix, onConflict),
  }
}

class ChatSession implements AckSession<MessageRecord> {
  readonly #times = new SessionTimes()
  /** Those that were written to, with the last batch. */
  readonly #partitions = new Map<string, number>()

  constructor(
    private readonly writer: RedisWriter,
    private readonly name: string,
    private readonly keyPrefix: string,
    private readonly onConflict: 'skip' | 'update',
  ) {}

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return strangeFields(schema)
  }

  async prepare(schema: RecordSchema): Promise<void> {
    requireMessages(this.name, schema)
  }

  async write(batch: Batch<MessageRecord>): Promise<Outcome> {
    const { sequence } = batch
    const partition = batch.partition.id
    const noted = await this.#noted(partition)
    const last = this.#partitions.get(partition)
    if (last !== undefined && noted?.sequence !== last && noted?.sequence !== sequence) {
      throw lostBatches(this.name, this.writer.connection.name)
    }
    this.#times.begin({ partition, sequence }, noted)
    const drafts = await this.#drafts(batch)
    if (drafts.length === 0) return { inserted: 0, updated: 0, skipped: 0 }
    const note = JSON.stringify(this.#times.note())
    await this.writer.ask([['SET', this.#note(partition), note, 'PX', rememberedMs]])
    this.#partitions.set(partition, sequence)
    return this.#add(drafts)
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed'): Promise<void> {
    if (outcome !== 'completed') return
    await this.writer.ask(
      [...this.#partitions.keys()].map((partition): CommandLine => ['UNLINK', this.#note(partition)]),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]()
  }

  /** @throws `RECORD_REFUSED` */
  async #drafts(batch: Batch<MessageRecord>): Promise<readonly MessageDraft[]> {
    const drafts: MessageDraft[] = []
    const refusals = new Refusals()
    let row = 0
    for await (const page of batch) {
      const keys = page.keys()
      for (const [i, message] of page.rows().entries()) {
        const draft = refusals.try(row, () => this.#draftOf(message, keys[i] as RecordKey))
        if (draft !== undefined) drafts.push(draft)
        row++
      }
    }
    refusals.throwIfAny()
    return drafts
  }

  #draftOf(message: MessageRecord, key: RecordKey): MessageDraft {
    const { session_id, order, type, expires_at } = message
    if (session_id === '') throw this.#refused(message, 'its session has no name, and the library asks for one')
    try {
      const own = timeOf(message)
      // One that the library has made says where its message stands, together with its time.
      const time = isUlid(order) ? own : this.#times.next(session_id, own)
      const id = isUlid(order) ? order : ulidOf(own / 1000, `${recordId(key)} ${storedMessage(message)}`)
      const document = { type, message_id: id, data: storedData(message), session_id, timestamp: time / 1e6 }
      return {
        key: `${this.keyPrefix}${session_id}:${id}`,
        text: encodeJson(document, { values: 'plain' }),
        expiry: typeof expires_at === 'string' ? new Date(expires_at).getTime() : null,
      }
    } catch (cause) {
      throw this.#refused(message, cause instanceof Error ? cause.message : String(cause), cause)
    }
  }

  async #add(drafts: readonly MessageDraft[]): Promise<Outcome> {
    const known = await this.writer.ask(drafts.map(({ key }): CommandLine => ['EXISTS', key]))
    const isSkipped = (i: number) => known[i] === 1 && this.onConflict === 'skip'
    const writings = drafts.flatMap(({ key, text, expiry }, row): readonly Writing[] => {
      if (isSkipped(row)) return []
      const expiring: readonly CommandLine[] = expiry === null ? [] : [['PEXPIREAT', key, expiry]]
      return [{ row, commands: [this.writer.setting(key, text), ...expiring] }]
    })
    const refusals = new Refusals()
    await this.writer.write(writings, refusals)
    refusals.throwIfAny()
    const outcome = { inserted: 0, updated: 0, skipped: 0 }
    known.forEach((count, i) => {
      outcome[isSkipped(i) ? 'skipped' : count === 1 ? 'updated' : 'inserted']++
    })
    return outcome
  }

  #refused({ session_id, order }: MessageRecord, why: string, cause?: unknown): DroverError {
    return new DroverError(
      'RECORD_REFUSED',
      `${this.name}: message ${order} of session ${JSON.stringify(session_id)} cannot be kept: ${why}.`,
      { cause },
    )
  }

  async #noted(partition: string): Promise<TimesNote | null> {
    const [text] = await this.writer.ask([['GET', this.#note(partition)]])
    return Buffer.isBuffer(text) ? readNote(text.toString()) : null
  }

  /** Called as all that Drover keeps, so that it is not read as somebody's key. */
  #note(partition: string): string {
    return `drover:v1:{${this.keyPrefix}}:times:${partition}`
  }
}

interface MessageDraft {
  readonly key: string
  readonly text: string
  /** Milliseconds since 1970; null if it never does. */
  readonly expiry: number | null
}

/** Microseconds since 1970: a message that has no time stands before all that have one, in its place. */
function timeOf({ created_at, order }: MessageRecord): number {
  if (created_at === null) {
    const place = Number(order)
    return Number.isSafeInteger(place) && place >= 0 ? place : 0
  }
  const instant = parseInstant(created_at)
  if (instant === null) throw new Error(`its created_at is no instant of ISO 8601: ${JSON.stringify(created_at)}`)
  return instant.seconds * 1e6 + Math.floor(instant.nanos / 1000)
}
