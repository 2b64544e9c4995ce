import {
  decodeJson,
  encodeJson,
  keyValues,
  type LogicalType,
  type Page,
  type RecordKey,
  type RecordSchema,
  type Row,
  type Source,
  type SourceSession,
} from '@drover/core'
import type { RedisLocation } from '../connection/redis-location.js'
import type { RedisBytesField, RedisBytesRecord, RedisType } from '../source/redis-record.js'
import { redisSource } from '../source/redis-source.js'
import type { KeyTemplate } from './key-template.js'

export interface ReadBackOptions {
  readonly location: RedisLocation
  /** What whole records were written as. */
  readonly as: RedisType
  readonly template: KeyTemplate
  /** What the records were like; null if nobody said so. */
  readonly schema: RecordSchema | null
}

/** Reads whole records back that were written as hashes, strings or documents: those whose fields give the key under which they stand. */
export function readBack({ location, as, template, schema }: ReadBackOptions): Source {
  const source: Source<RedisBytesRecord> = redisSource({
    ...location,
    keyPrefix: template.prefix,
    types: as,
    decodeResponses: false,
  })
  const key = schema?.key ?? []
  const types = new Map((schema?.fields ?? []).map(({ name, type }) => [name, type]))
  const rowOf = (record: RedisBytesRecord): Row | null => {
    try {
      const row = decode(record, types)
      return template.keyOf(row) === textOf(record.key) ? row : null
    } catch {
      // Something else that stands under such a key.
      return null
    }
  }
  return {
    ...source,
    connect: async (operation): Promise<SourceSession> => {
      const session = await source.connect(operation)
      return {
        describe: async () => schema ?? { fields: [], key: [] },
        async *read(options) {
          for await (const page of session.read(options)) yield rowsPage(page, rowOf, key)
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

function rowsPage(
  page: Page<RedisBytesRecord>,
  rowOf: (record: RedisBytesRecord) => Row | null,
  key: readonly string[],
): Page {
  const rows = page
    .rows()
    .map(rowOf)
    .filter((row) => row !== null)
  const { rejected } = page
  return pageOf(rows, key, {
    count: rows.length + (rejected?.length ?? 0),
    bytes: page.bytes,
    cursor: page.cursor,
    ...(rejected === undefined ? {} : { rejected }),
  })
}

function pageOf(rows: readonly Row[], key: readonly string[], about: Omit<Page, 'rows' | 'keys' | 'slice'>): Page {
  const keyOf = (row: Row): RecordKey => ({ source: keyValues(row, key) ?? [], child: 0 })
  const { bytes, cursor } = about
  return {
    ...about,
    rows: () => rows,
    keys: () => rows.map(keyOf),
    slice: (from, to) => {
      const part = rows.slice(from, to)
      return pageOf(part, key, { count: part.length, bytes, cursor })
    },
  }
}

function decode(record: RedisBytesRecord, types: ReadonlyMap<string, LogicalType>): Row {
  if (record.type === 'hash') return decodeHash(record.value, types)
  const text = record.type === 'string' ? textOf(record.value) : encodeJson(record.value, { values: 'plain' })
  const row = decodeJson(text) as Row
  for (const [name, type] of types) {
    if (type.kind === 'vector' && Array.isArray(row[name])) row[name] = new Float32Array(row[name] as number[])
  }
  return row
}

function decodeHash(fields: readonly RedisBytesField[], types: ReadonlyMap<string, LogicalType>): Row {
  const row: Row = {}
  // What is null has no field in the hash.
  for (const name of types.keys()) row[name] = null
  for (const { field, value } of fields) {
    const name = textOf(field)
    row[name] = decodeField(value, types.get(name))
  }
  return row
}

function decodeField(value: Uint8Array, type: LogicalType | undefined): unknown {
  if (type?.kind === 'bytes') return value
  const text = textOf(value)
  switch (type?.kind) {
    case 'boolean':
      return text === 'true'
    case 'int':
      return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)
    case 'float':
      return Number(text)
    case 'json':
    case 'list':
    case 'struct':
      return decodeJson(text)
    case 'vector':
      return new Float32Array(decodeJson(text) as number[])
    default:
      return text
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Uint8Array): string {
  return utf8.decode(bytes)
}
