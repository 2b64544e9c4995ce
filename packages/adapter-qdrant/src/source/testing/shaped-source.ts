import {
  decodeJson,
  encodeJson,
  type JsonValue,
  type Page,
  type RecordSchema,
  type Row,
  recordId,
  type Source,
} from '@drover/core'
import type { QdrantRecord } from '../qdrant-record.js'
import type { TestPoint } from './points.js'

/** A point that holds a record of any shape: its key decides the id, an integer as it is and all else as a UUID. */
export function packed(record: Row, schema: RecordSchema): TestPoint {
  const [only, ...others] = schema.key.map((name) => record[name])
  const isId = others.length === 0 && (typeof only === 'bigint' || (typeof only === 'number' && only >= 0))
  const id = isId ? only : recordId({ source: [encodeJson(schema.key.map((name) => record[name]))], child: 0 })
  const anyFields = new Set(schema.fields.filter(({ type }) => type.kind === 'any').map(({ name }) => name))
  return { id, payload: { record: encodeJson(record, { anyFields }) } }
}

/** Gives the records that points hold. */
export function shapedSource(source: Source<QdrantRecord>, schema: RecordSchema): Source {
  return {
    ...source,
    connect: async (operation) => {
      const session = await source.connect(operation)
      return {
        describe: async () => schema,
        count: (options) => session.count?.(options) as never,
        partition: (options) => session.partition?.(options) as never,
        split: (options) => session.split?.(options) as never,
        async *read(options) {
          for await (const page of session.read(options)) yield shapedPage(page, schema)
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

function shapedPage(page: Page<QdrantRecord>, schema: RecordSchema): Page {
  let rows: readonly Row[] | undefined
  const shaped: Page = {
    count: page.count,
    bytes: page.bytes,
    cursor: page.cursor,
    rows: () => {
      rows ??= page.rows().map(({ payload }) => decodeJson(payload?.record as string) as Row)
      return rows
    },
    keys: () => shaped.rows().map((row) => ({ source: schema.key.map((name) => keyValue(row[name])), child: 0 })),
    slice: (from, to) => shapedPage(page.slice(from, to), schema),
  }
  return shaped
}

function keyValue(value: unknown): JsonValue {
  return typeof value === 'bigint' ? value.toString() : (value as JsonValue)
}
