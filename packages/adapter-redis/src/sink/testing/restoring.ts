import type { CommitBatch, ExactSession, ExactSink, Page, RecordSchema, Row } from '@drover/core'
import { decodeJson, encodeJson } from '@drover/core'
import { recordSchema } from '../../source/record-schema.js'
import { type RedisType, redisTypes } from '../../source/redis-record.js'

/** A sink of keys, given rows of any kind: each becomes a record as `redisSource` gives them, of one type or another. */
export function restoring(sink: ExactSink, key: readonly string[]): ExactSink {
  return {
    ...sink,
    connect: async (operation): Promise<ExactSession> => {
      const session = await sink.connect(operation)
      const schema = recordSchema(redisTypes, true)
      return {
        check: () => session.check?.(schema) ?? [],
        prepare: async (_: RecordSchema, own) => session.prepare?.(schema, own),
        claim: (claim, own) => session.claim(claim, own),
        write: (batch, own) => session.write(mapped(batch, key), own),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

/** The row that a record was made of. */
export function asRow({ type, value }: Row): Row {
  const held = value as never
  switch (type) {
    case 'hash':
      return decodeJson((held as Row).row as string) as Row
    case 'list':
    case 'set':
      return decodeJson(held[0]) as Row
    case 'zset':
      return decodeJson((held[0] as { readonly member: string }).member) as Row
    case 'stream': {
      const { entries } = held as { readonly entries: readonly { readonly fields: readonly [string, string][] }[] }
      return decodeJson(entries[0]?.fields[0]?.[1] ?? '') as Row
    }
    default:
      return decodeJson(held) as Row
  }
}

function mapped(batch: CommitBatch<Row>, key: readonly string[]): CommitBatch<Row> {
  const { partition, sequence } = batch
  return {
    partition,
    sequence,
    commit: (outcome) => batch.commit(outcome),
    async *[Symbol.asyncIterator]() {
      for await (const page of batch) yield mappedPage(page, key)
    },
  }
}

function mappedPage(page: Page, key: readonly string[]): Page {
  return {
    ...page,
    rows: () => page.rows().map((row) => recordOf(row, key)),
    keys: () => page.keys(),
    slice: (from, to) => mappedPage(page.slice(from, to), key),
  }
}

const types: readonly RedisType[] = ['string', 'hash', 'list', 'set', 'zset', 'stream']

function recordOf(row: Row, key: readonly string[]): Row {
  const name = key.map((field) => String(row[field])).join(':')
  const type = types[[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % types.length]
  const text = encodeJson(row)
  const value = {
    string: text,
    hash: { row: text },
    list: [text],
    set: [text],
    zset: [{ member: text, score: 1.5 }],
    stream: { entries: [{ id: '1-1', fields: [['row', text]] }], lastId: '1-1', groups: [] },
    json: row,
  }[type ?? 'string']
  return { key: `row:${name}`, type, value: row.refused === true ? () => {} : value, expires_at: null }
}
