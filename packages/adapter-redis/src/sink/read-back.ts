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
  /** What the records were like; null if nobody said so: then who compares them may say so. */
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
  const rowOf = (record: RedisBytesRecord, types: Types): Row | null => {
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
      const { fields, key } = schema ?? operation.expected ?? { fields: [], key: [] }
      const types = new Map(fields.map(({ name, type }) => [name, type]))
      return {
        describe: async () => ({ fields, key }),
        async *read(options) {
          for await (const page of session.read(options)) yield rowsPage(page, (record) => rowOf(record, types), key)
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

type Types = ReadonlyMap<string, LogicalType>

function decode(record: RedisBytesRecord, types: Types): Row {
  if (record.type === 'hash') return decodeHash(record.value, types)
  const text = record.type === 'string' ? textOf(record.value) : encodeJson(record.value, { values: 'plain' })
  const row = decodeJson(text) as Row
  for (const [name, type] of types) {
    if (type.kind === 'vector' && Array.isArray(row[name])) row[name] = new Float32Array(row[name] as number[])
  }
  return row
}

function decodeHash(fields: readonly RedisBytesField[], types: Types): Row {
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
  try {
    return typed(text, type?.kind)
  } catch {
    // Somebody else wrote it: a text that is not what was written there.
    return text
  }
}

/** @throws if it is no such text */
function typed(text: string, kind: LogicalType['kind'] | undefined): unknown {
  switch (kind) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'int':
      return Number.isSafeInteger(Number(text)) && text !== '' ? Number(text) : BigInt(text)
    case 'float':
      return Number.isNaN(Number(text)) && text !== 'NaN' ? text : Number(text)
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
