import type { CommandLine, RedisConnection } from '@drover/adapter-redis'
import {
  type AckSession,
  type AckSink,
  type Batch,
  checkChoice,
  DroverError,
  type Outcome,
  type SinkOperation,
  type Source,
} from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { placeName, placeOfType } from '../../base/place-name.js'
import { Refusals } from '../../base/refusals.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { LayoutOptions, LayoutSinkOptions } from '../layout.js'
import { commandsFor } from './checkpoint-commands.js'
import { CheckpointKeys } from './checkpoint-keys.js'
import { checkpointReading } from './checkpoint-reading.js'
import { redisLayoutSource } from './redis-layout-source.js'
import type { DocumentForm } from './redis-reader.js'

/** Layouts that can be written: a shallow store keeps one checkpoint of a namespace, and would lose the others. */
export type WritableLayout = 'langgraph-redis' | 'langgraph-js-redis'

const mostBatchBytes = 8 * 1024 * 1024

/** Writes checkpoints as a library keeps them in RedisJSON. A checkpoint that is written again is the same keys. */
export function checkpointRedisSink(
  layout: WritableLayout,
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
      return new CheckpointSession(await open(layout, options, form, operation), names, form, onConflict, readBack)
    },
  }
}

async function open(
  layout: WritableLayout,
  { place }: LayoutOptions,
  form: DocumentForm,
  { signal }: SinkOperation,
): Promise<RedisConnection> {
  const { openRedis } = await adapterOf('redis')
  const { connection: given } = placeOfType(layout, place, 'redis')
  const opening = { where: layout, signal, endsWith: signal, writes: true }
  const connection = await openRedis({ connection: given as string }, opening)
  if (form === 'text' || connection.server.hasJson) return connection
  await connection[Symbol.asyncDispose]()
  throw new DroverError(
    'SINK_NOT_READY',
    `${connection.name} has no RedisJSON, in which "${layout}" keeps its documents: load the module (Redis 8 and Redis Stack have it), or write to another layout.`,
  )
}

class CheckpointSession implements AckSession<CheckpointRecord> {
  constructor(
    private readonly connection: RedisConnection,
    private readonly names: CheckpointKeys,
    private readonly form: DocumentForm,
    private readonly onConflict: 'skip' | 'update',
    readonly readBack: () => Source,
  ) {}

  async write(batch: Batch<CheckpointRecord>): Promise<Outcome> {
    const outcome = { inserted: 0, updated: 0, skipped: 0 }
    let first = 0
    for await (const page of batch) {
      const rows = page.rows()
      const refusals = new Refusals()
      const drafts = rows.map(
        (record, i) => refusals.try(first + i, () => commandsFor(record, this.names, this.form)) ?? [],
      )
      refusals.throwIfAny()
      const known = await this.#ask(rows.map((record): CommandLine => ['EXISTS', this.names.checkpoint(record)]))
      const isSkipped = (i: number) => known[i] === 1 && this.onConflict === 'skip'
      await this.#ask(drafts.flatMap((commands, i) => (isSkipped(i) ? [] : commands)))
      known.forEach((count, i) => {
        outcome[isSkipped(i) ? 'skipped' : count === 1 ? 'updated' : 'inserted']++
      })
      first += rows.length
    }
    return outcome
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }

  async #ask(commands: readonly CommandLine[]): Promise<readonly unknown[]> {
    if (commands.length === 0) return []
    const doing = `writing to ${this.connection.name}`
    const replies = await this.connection.pipeline(
      doing,
      commands.map((command) => ({ key: Buffer.from(keyOf(command)), command })),
    )
    const failed = replies.find((reply): reply is Error => reply instanceof Error)
    if (failed === undefined) return replies
    const { redisError } = await adapterOf('redis')
    throw redisError(failed, doing)
  }
}

function keyOf([name, ...args]: CommandLine): string {
  return String(name === 'EVAL' ? args[2] : args[0])
}
