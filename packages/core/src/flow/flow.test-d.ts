/**
 * What compiles, and what must not: `tsc` is the test. Nothing here runs.
 */
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import type { Backfiller } from '../contracts/backfiller.js'
import type { AckSink, Batch, ExactSink } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { StateStore, TransactionalStateStore } from '../contracts/state-store.js'
import type { Row } from '../contracts/values.js'
import { runBackfill } from '../engine/run-backfill.js'
import { definePipeline, runPipeline } from '../engine/run-pipeline.js'
import { sink } from '../sinks/sink.js'
import { addMetadata } from '../transformers/add-metadata.js'
import { defaults } from '../transformers/defaults.js'
import { mask } from '../transformers/mask.js'
import { normalizeTimestamps } from '../transformers/normalize-timestamps.js'
import { omit, pick } from '../transformers/pick.js'
import { rename } from '../transformers/rename.js'
import { setField } from '../transformers/set-field.js'
import { from } from './flow.js'
import type { NamedTransformer } from './transformer.js'
import { transformer } from './transformer-factory.js'

type Eq<X, Y> = (<T>() => T extends X ? 1 : 2) extends <T>() => T extends Y ? 1 : 2 ? true : false
declare function is<T extends true>(): T

interface Msg {
  id: number
  role: string
  content: string
  created_at: string | Date
}
interface Tok {
  id: number
  tokens: number
}
interface Out {
  id: number
  role: string
  created_at: string
  metadata: { migrated_at: string }
}

declare const messages: Source<Msg>
declare const rows: Source
declare const sinkMsg: ExactSink<Msg>
declare const sinkTok: AckSink<Tok>
declare const sinkAny: ExactSink<Row>
declare const sinkOut: ExactSink<Out>
const name = 'x'

// ── What compiles ───────────────────────────────────────────────────────────────────────────────────────────────────

await runPipeline({ name, source: messages, sink: sinkMsg })
await runPipeline({ name, source: rows, sink: sinkAny })

// A row without a type stays one, and null leaves it out.
await runPipeline({
  name,
  source: from(rows).pipe((m) => {
    is<Eq<typeof m, Row>>()
    return m.role === 'debug' ? null : m
  }),
  sink: sinkAny,
})

// Built-in transformers carry the type through.
await runPipeline({
  name,
  source: from(messages)
    .pipe(normalizeTimestamps(['created_at']))
    .pipe(addMetadata())
    .pipe((m) => {
      is<Eq<typeof m.created_at, string>>()
      is<Eq<typeof m.metadata.migrated_at, string>>()
      return m.role === 'debug' ? null : m
    }),
  sink: sinkOut,
})

// Fan-out, asynchronous steps, null in the middle.
await runPipeline({
  name,
  source: from(messages)
    .pipe((m) => ({ id: m.id, words: m.content.split(' ') }))
    .pipe(async (m) => {
      is<Eq<typeof m, { id: number; words: string[] }>>()
      return m.words.map((w) => ({ id: m.id, w }))
    })
    .pipe(async (m) => {
      is<Eq<typeof m, { id: number; w: string }>>()
      return m.w === '' ? null : { id: m.id, tokens: m.w.length }
    }),
  sink: sinkTok,
})

// Any Standard Schema: what it gives goes on.
const schema = z.object({ id: z.number(), content: z.string().transform((s) => s.length) })
await runPipeline({
  name,
  source: from(rows)
    .validate(schema)
    .pipe((m) => {
      is<Eq<typeof m, { id: number; content: number }>>()
      return { id: m.id, tokens: m.content }
    }),
  sink: sinkTok,
})
await runPipeline({
  name,
  source: from(rows).validate(v.object({ id: v.number(), tokens: v.number() })),
  sink: sinkTok,
})
await runPipeline({ name, source: from(rows).validate(type({ id: 'number', tokens: 'number' })), sink: sinkTok })

await runPipeline({
  name,
  source: from(messages)
    .pipe(pick(['id', 'content']))
    .pipe((m) => {
      is<Eq<typeof m, Pick<Msg, 'id' | 'content'>>>()
      return { id: m.id, tokens: 1 }
    }),
  sink: sinkTok,
})
await runPipeline({
  name,
  source: from(messages).pipe(setField('tokens', ['content'], (content) => String(content).length)),
  sink: sinkTok,
})
await runPipeline({
  name,
  source: from(messages)
    .filter((m) => m.id > 3)
    .pipe(omit(['created_at']))
    .pipe((m) => ({ id: m.id, tokens: m.content.length })),
  sink: sinkTok,
})
await runPipeline({
  name,
  source: from(messages)
    .pipe(rename({ id: 'key', role: 'kind' }))
    .pipe((m) => {
      is<Eq<typeof m.key, number>>()
      is<Eq<typeof m.kind, string>>()
      return { id: m.key, tokens: m.content.length }
    }),
  sink: sinkTok,
})
await runPipeline({
  name,
  source: from(messages)
    .pipe(mask(['content'], { keep: 2 }))
    .pipe(defaults({ tokens: 0 }))
    .pipe((m) => {
      is<Eq<typeof m.tokens, number>>()
      return m
    }),
  sink: sinkTok,
})
declare const gaps: Source<{ id: number; tokens: number | null }>
await runPipeline({ name, source: from(gaps).pipe(defaults({ tokens: 0 })), sink: sinkTok })

// Of a row without a type nobody knows which fields it has: each may be named.
const untyped = from(rows)
  .pipe(normalizeTimestamps(['created_at']))
  .pipe(pick(['id', 'role', 'created_at', 'metadata']))
  .pipe(rename({ role: 'kind' }))
  .pipe(addMetadata())
  .pipe(mask(['kind']))
  .pipe((m) => {
    is<Eq<typeof m.metadata.migrated_at, string>>()
    is<Eq<typeof m.created_at, string | null>>()
    is<Eq<typeof m.kind, unknown>>()
    return m
  })
void untyped

// Null stays null, a JSON text stays a text, and what was in the metadata stays.
declare const varied: Source<{ at: string | null; seen?: Date; metadata: string | { tags: string[] } | null }>
from(varied)
  .pipe(normalizeTimestamps(['at', 'seen']))
  .pipe(addMetadata())
  .pipe((m) => {
    is<Eq<typeof m.at, string | null>>()
    is<Eq<typeof m.seen, string | undefined>>()
    if (typeof m.metadata === 'string') return m
    const { migrated_at }: { migrated_at: string } = m.metadata
    return { ...m, migrated_at, tags: 'tags' in m.metadata ? m.metadata.tags : [] }
  })

// A filter as data, a filter that narrows, a filter by a promise.
await runPipeline({ name, source: from(messages).filter({ role: { in: ['user'] }, id: { gt: 3n } }), sink: sinkMsg })
await runPipeline({
  name,
  source: from(messages).filter({ or: [{ id: { lt: 9 } }, { not: { role: { isNull: true } } }] }),
  sink: sinkMsg,
})
await runPipeline({
  name,
  source: from(messages)
    .filter((m): m is Msg & { created_at: Date } => m.created_at instanceof Date)
    .filter(async (m) => {
      const at: Date = m.created_at
      return at < new Date()
    }),
  sink: sinkMsg,
})

// Transformers with traits, per record and per batch.
const embed = transformer({
  name: 'embed',
  version: '2',
  reads: ['content'],
  transformBatch: async (ms: readonly Msg[]) => ms.map((m) => ({ id: m.id, tokens: m.content.length })),
})
const pipeline = definePipeline({ name, source: from(messages).pipe(embed), sink: sinkTok })
await runPipeline(pipeline)
const twice = transformer({ name: 'twice', transform: (m: Msg) => (m.id ? [m, m] : null) })
await runPipeline({
  name,
  source: from(messages)
    .pipe(twice)
    .pipe((m) => {
      is<Eq<typeof m, Msg>>()
      return m
    }),
  sink: sinkMsg,
})
// A generic function keeps the fields that it does not know; with traits, once it is told the record type.
const counting = transformer({
  name: 'counting',
  reads: ['content'],
  transform: <R extends { content: string }>(record: R) => ({ ...record, tokens: record.content.length }),
})
const waiting = transformer({
  name: 'waiting',
  concurrency: 2,
  transform: async <R extends { id: number }>(record: R, { signal }: { signal: AbortSignal }) =>
    signal.aborted ? null : [record, record],
})
await runPipeline({
  name,
  source: from(messages)
    .pipe(counting<Msg>)
    .pipe((m) => {
      is<Eq<typeof m, Msg & { tokens: number }>>()
      return m
    })
    .pipe(waiting<Msg & { tokens: number }>)
    .pipe((m) => {
      is<Eq<typeof m, Msg & { tokens: number }>>()
      return m
    }),
  sink: sinkMsg,
})
from(messages)
  .pipe(counting)
  .pipe((m) => {
    // What TypeScript makes of it by itself. If this fails one day, the guide can leave the way round out.
    is<Eq<typeof m, { content: string } & { tokens: number }>>()
    return m
  })
const named: NamedTransformer<Msg, Tok> = counting
is<Eq<typeof counting.traits.name, string>>()
void named

// ── What must not ───────────────────────────────────────────────────────────────────────────────────────────────────

// @ts-expect-error Property 'tokens' is missing in type 'Msg' but required in type 'Tok'
await runPipeline({ name, source: messages, sink: sinkTok })
// @ts-expect-error Property 'tokens' is missing in type '{ id: number }' but required in type 'Tok'
await runPipeline({ name, source: from(messages).pipe((m) => ({ id: m.id })), sink: sinkTok })
const counted = from(messages).pipe((m): Tok => ({ id: m.id, tokens: 1 }))
// @ts-expect-error embed reads a Msg: content is not in Tok
counted.pipe(embed)
// @ts-expect-error counting reads the content, which is not in Tok
counted.pipe(counting)
// @ts-expect-error Property 'nope' does not exist on type 'Msg'
from(messages).pipe((m) => ({ id: m.nope }))
// @ts-expect-error Property 'nope' is missing in type 'Msg'
from(messages).pipe(pick(['nope']))
// @ts-expect-error Property 'nope' is missing in type 'Msg'
from(messages).pipe(rename({ nope: 'yes' }))
// @ts-expect-error Property 'nope' is missing in type 'Msg'
from(messages).pipe(setField('tokens', ['nope'], () => 1))
const without = from(messages).pipe(omit(['content']))
// @ts-expect-error the record has lost the field
without.pipe((m) => ({ id: m.id, tokens: m.content.length }))
// @ts-expect-error a forgotten return: 'void' is not assignable to type 'object'
from(messages).pipe((m) => {
  m.id
})
// @ts-expect-error an operator that does not exist
from(messages).filter({ role: { equals: 'user' } })
// @ts-expect-error null is asked for with isNull
from(messages).filter({ role: { eq: null } })
// @ts-expect-error a field that a Msg does not have
transformer({ name: 'x', reads: ['nope'], transform: (m: Msg) => m })
// @ts-expect-error either the one form or the other
transformer({ name: 'x', transform: (m: Msg) => m, transformBatch: (ms: readonly Msg[]) => ms })
// @ts-expect-error unknown option
await runPipeline({ name, source: messages, sink: sinkMsg, batchSiz: 1 })
// @ts-expect-error a narrower sink is no wider one
const bad: ExactSink<Row> = sinkMsg
void bad

// ── Backfillers ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Trx {
  run(sql: string): Promise<void>
}
declare const transactional: TransactionalStateStore<Trx>
declare const plainState: StateStore
const tokens: Backfiller<Trx> = {
  name: 'tokens',
  async backfillBatch({ after, limit, tx }) {
    await tx.run(`… ${String(after)} ${limit}`)
    return { scanned: limit, changed: limit, cursor: 1, done: false }
  },
}
const plain: Backfiller = {
  name: 'plain',
  async backfillBatch({ limit }) {
    return { scanned: limit, changed: 0, cursor: null, done: true }
  },
}
await runBackfill({ backfiller: tokens, state: transactional })
await runBackfill({ backfiller: plain, state: plainState })
await runBackfill({ backfiller: plain, state: transactional })
// @ts-expect-error it needs a transaction, and this state store has none
await runBackfill({ backfiller: tokens, state: plainState })

// ── Sinks written by hand ───────────────────────────────────────────────────────────────────────────────────────────

class Hand {
  readonly specVersion = 1
  readonly name = 'hand'
  readonly guarantee = 'at-least-once'
  async connect() {
    return new HandSession()
  }
}
class HandSession {
  async write(batch: Batch<Tok>) {
    for await (const page of batch) page.rows()[0]?.tokens
    return { inserted: 1, updated: 0, skipped: 0 }
  }
  async [Symbol.asyncDispose]() {}
}
await runPipeline({ name, source: from(messages).pipe((m) => ({ id: m.id, tokens: 1 })), sink: new Hand() })
// @ts-expect-error a hand-written class is checked as an interface is
await runPipeline({ name, source: messages, sink: new Hand() })

const api = sink({
  name: 'api',
  guarantee: 'idempotent',
  write: async (records: readonly Msg[], { ids, signal }) => {
    is<Eq<typeof ids, readonly string[]>>()
    is<Eq<typeof signal, AbortSignal>>()
    void records
  },
})
await runPipeline({ name, source: messages, sink: api })
const counts = sink({ name: 'counts', guarantee: 'idempotent', write: async (records: readonly Tok[]) => void records })
// @ts-expect-error Property 'tokens' is missing in type 'Msg'
await runPipeline({ name, source: messages, sink: counts })
