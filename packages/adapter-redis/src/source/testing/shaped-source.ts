import {
  decodeJson,
  encodeJson,
  type Field,
  type JsonValue,
  type Page,
  type RecordSchema,
  type Row,
  type Source,
} from '@drover/core'
import type { Cluster, Redis } from 'ioredis'
import type { RedisBytesField } from '../redis-record.js'

/** How records of any shape are put into keys. */
export interface Packing {
  /** A text of JSON, or a field for each field that is not null. */
  readonly into: 'string' | 'hash'
  /** What is read is text. */
  readonly decode: boolean
}

/** Stores records of a schema under keys that begin with `prefix`. */
export async function pack(
  client: Redis | Cluster,
  prefix: string,
  schema: RecordSchema,
  records: readonly Row[],
  { into, decode }: Packing,
): Promise<void> {
  for (let at = 0; at < records.length; at += 200) {
    // Not a pipeline: the keys may be those of several masters.
    await Promise.all(
      records.slice(at, at + 200).map((record) => {
        const key = packedKey(prefix, schema, record)
        if (into === 'string') return client.set(key, encodeJson(record, { anyFields: anyFields(schema) }))
        return client.hset(key, ...schema.fields.flatMap((field) => packedField(field, record[field.name], decode)))
      }),
    )
  }
}

/** The key that a record is stored under. */
export function packedKey(prefix: string, schema: RecordSchema, record: Row): string {
  return prefix + encodeJson(schema.key.map((name) => record[name]))
}

/** Gives the records that were stored so, instead of the keys that they are stored in. */
export function shapedSource(source: Source<Row>, schema: RecordSchema, packing: Packing): Source<Row> {
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
          for await (const page of session.read(options)) yield shapedPage(page, schema, packing)
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

function shapedPage(page: Page<Row>, schema: RecordSchema, packing: Packing): Page<Row> {
  let rows: readonly Row[] | undefined
  const shaped: Page<Row> = {
    count: page.count,
    bytes: page.bytes,
    cursor: page.cursor,
    rejected: page.rejected ?? [],
    rows: () => (rows ??= page.rows().map((row) => unpacked(row.value, schema, packing))),
    keys: () => shaped.rows().map((row) => ({ source: schema.key.map((name) => keyValue(row[name])), child: 0 })),
    slice: (from, to) => shapedPage(page.slice(from, to), schema, packing),
  }
  return shaped
}

function unpacked(value: unknown, schema: RecordSchema, { into, decode }: Packing): Row {
  if (into === 'string') return decodeJson(decode ? (value as string) : text(value as Uint8Array)) as Row
  const stored = decode
    ? new Map(Object.entries(value as Record<string, string>))
    : new Map((value as readonly RedisBytesField[]).map((one) => [text(one.field), one.value]))
  return Object.fromEntries(schema.fields.map((field) => [field.name, unpackedField(field, stored.get(field.name))]))
}

function packedField({ name, type }: Field, value: unknown, decode: boolean): (string | Buffer)[] {
  if (value === null || value === undefined) return []
  if (type.kind === 'text') return [name, value as string]
  if (type.kind === 'bytes' && !decode) return [name, Buffer.from(value as Uint8Array)]
  return [name, encodeJson({ value }, { anyFields: new Set(type.kind === 'any' ? ['value'] : []) })]
}

function unpackedField({ type }: Field, stored: string | Uint8Array | undefined): unknown {
  if (stored === undefined) return null
  if (type.kind === 'bytes' && typeof stored !== 'string') return stored
  const said = typeof stored === 'string' ? stored : text(stored)
  return type.kind === 'text' ? said : (decodeJson(said) as { readonly value: unknown }).value
}

function anyFields({ fields }: RecordSchema): ReadonlySet<string> {
  return new Set(fields.filter(({ type }) => type.kind === 'any').map(({ name }) => name))
}

function keyValue(value: unknown): JsonValue {
  return typeof value === 'bigint' ? value.toString() : (value as JsonValue)
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
