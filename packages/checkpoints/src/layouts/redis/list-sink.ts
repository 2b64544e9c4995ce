import type { RedisConnection } from '@drover/adapter-redis'
import {
  type AckSession,
  type AckSink,
  type Batch,
  DroverError,
  type FidelityIssue,
  type Operation,
  type Outcome,
  type RecordKey,
  type RecordSchema,
  recordId,
  type SinkOperation,
} from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { placeName, placeOfType } from '../../base/place-name.js'
import type { MessageRecord } from '../../records/message-record.js'
import { requireMessages, strangeFields } from '../langchain/message-fields.js'
import { storedMessage } from '../langchain/message-json.js'
import type { LayoutOptions, LayoutSinkOptions } from '../layout.js'
import { lostBatches } from './lost-batches.js'

const where = 'langchain-redis-list'
/** A server does nothing else while a batch is added. */
const batchSize = 1_000
const mostBatchBytes = 4 * 1024 * 1024
/** How long it is remembered which messages of the last batch are there, for a run that is resumed. */
const rememberedMs = 30 * 24 * 60 * 60 * 1000

/**
 * Adds messages to the lists of their sessions, behind those that are there. A batch is one script, which notes what it added: where a run is
 * resumed, and gives its last batch again, each message is there once.
 */
export function listSink(options: LayoutOptions & LayoutSinkOptions): AckSink<MessageRecord> {
  const { place, keyPrefix = 'message_store:', onConflict } = options
  if (onConflict !== undefined && onConflict !== 'error') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: leave onConflict out: messages are added to the lists of their sessions, where none is there already.`,
    )
  }
  const name = `${where} ${placeName(place)} ${keyPrefix}`
  return {
    specVersion: 1,
    name,
    guarantee: 'idempotent',
    // Only the batch that is given again is known: a source that gives a record in two of them would have it there twice.
    keyed: false,
    batchSize,
    limits: { partitions: 1, records: batchSize, bytes: mostBatchBytes },
    connect: async (operation) => new ListSession(await open(options, operation), name, keyPrefix),
  }
}

async function open({ place }: LayoutOptions, { signal }: SinkOperation): Promise<RedisConnection> {
  const { openRedis } = await adapterOf('redis')
  const { connection: given } = placeOfType(where, place, 'redis')
  const opening = { where, signal, endsWith: signal, writes: true }
  const connection = await openRedis({ connection: given as string }, opening)
  if (!connection.isCluster) return connection
  await connection[Symbol.asyncDispose]()
  throw new DroverError(
    'SINK_NOT_READY',
    `${where}: ${connection.name} is a cluster, where lists lie on several servers and cannot be added to at once. Write to a server, or to SQL.`,
  )
}

/**
 * Adds what was not added yet of the batch. `KEYS`: the note, lists. `ARGV`: the batch's number, how long the note lasts, the number that the note has if
 * nothing was lost (or nothing), when each list expires (or nothing), and of each message its list, its id, and itself.
 */
const addition = `
local note, lists = KEYS[1], #KEYS - 1
local known = redis.call('HGET', note, 'sequence')
if ARGV[3] ~= '' and known ~= ARGV[3] and known ~= ARGV[1] then return -1 end
if known ~= ARGV[1] then
  redis.call('DEL', note)
  redis.call('HSET', note, 'sequence', ARGV[1])
end
redis.call('PEXPIRE', note, ARGV[2])
local added = 0
for i = 4 + lists, #ARGV, 3 do
  if redis.call('HSETNX', note, ARGV[i + 1], '') == 1 then
    redis.call('LPUSH', KEYS[1 + tonumber(ARGV[i])], ARGV[i + 2])
    added = added + 1
  end
end
for i = 1, lists do
  if ARGV[3 + i] ~= '' then redis.call('PEXPIREAT', KEYS[1 + i], ARGV[3 + i]) end
end
return added`

class ListSession implements AckSession<MessageRecord> {
  /** Those that were written to, with the last batch. */
  readonly #partitions = new Map<string, number>()

  constructor(
    private readonly connection: RedisConnection,
    private readonly name: string,
    private readonly keyPrefix: string,
  ) {}

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return strangeFields(schema)
  }

  async prepare(schema: RecordSchema): Promise<void> {
    requireMessages(this.name, schema)
  }

  async write(batch: Batch<MessageRecord>, _: Operation): Promise<Outcome> {
    const draft = new Draft(this.name, this.keyPrefix)
    for await (const page of batch) {
      const keys = page.keys()
      page.rows().forEach((message, i) => {
        draft.add(message, keys[i] as RecordKey)
      })
    }
    if (draft.count === 0) return { inserted: 0, updated: 0, skipped: 0 }
    const { lists, expiries, messages } = draft
    const { partition, sequence } = batch
    const added = await this.connection
      .nodeOf(0)
      .call(
        `adding ${draft.count} messages to ${lists.length} lists of ${this.connection.name}`,
        'EVAL',
        addition,
        lists.length + 1,
        this.#note(partition.id),
        ...lists,
        sequence,
        rememberedMs,
        this.#partitions.get(partition.id) ?? '',
        ...expiries,
        ...messages,
      )
    if (added === -1) throw lostBatches(this.name, this.connection.name)
    this.#partitions.set(partition.id, sequence)
    return { inserted: Number(added), updated: 0, skipped: draft.count - Number(added) }
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed'): Promise<void> {
    if (outcome === 'completed') {
      const notes = [...this.#partitions.keys()].map((partition) => this.#note(partition))
      if (notes.length > 0) await this.connection.nodeOf(0).call('forgetting what was added', 'UNLINK', ...notes)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }

  /** Called as all that Drover keeps, so that it is not read as somebody's key. */
  #note(partition: string): string {
    return `drover:v1:{${this.keyPrefix}}:history:${partition}`
  }
}

/** What a batch adds. */
class Draft {
  readonly lists: string[] = []
  readonly expiries: string[] = []
  readonly messages: (string | number)[] = []
  count = 0
  readonly #places = new Map<string, number>()

  constructor(
    private readonly where: string,
    private readonly keyPrefix: string,
  ) {}

  /** @throws `RECORD_REFUSED` */
  add(message: MessageRecord, key: RecordKey): void {
    const { session_id, expires_at } = message
    try {
      const place = this.#placeOf(`${this.keyPrefix}${session_id}`)
      const text = storedMessage(message)
      if (typeof expires_at === 'string') this.expiries[place - 1] = String(new Date(expires_at).getTime())
      this.messages.push(place, recordId(key), text)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new DroverError('RECORD_REFUSED', `${this.where}: ${why}`, { row: this.count, cause })
    }
    this.count++
  }

  /** From 1. */
  #placeOf(list: string): number {
    const known = this.#places.get(list)
    if (known !== undefined) return known
    this.expiries.push('')
    const place = this.lists.push(list)
    this.#places.set(list, place)
    return place
  }
}
