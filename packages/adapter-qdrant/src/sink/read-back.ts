import {
  type ConnectOperation,
  type Cursor,
  DroverError,
  type Field,
  keyValues,
  type LogicalType,
  type Page,
  type ReadOptions,
  type RecordKey,
  type RecordSchema,
  type Row,
  type Source,
  type SourceSession,
} from '@drover/core'
import { openQdrant } from '../connection/open-qdrant.js'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import { qdrantSource } from '../source/qdrant-source.js'
import { pointId } from '../wire/point-id.js'
import type { PointId, WirePoint } from '../wire/wire-point.js'
import { type CollectionInfo, readCollection } from './collection-info.js'
import { arePoints, namedFields, pointForm, type VectorField } from './point-form.js'
import type { AnyOptions } from './sink-options.js'
import { locationOf } from './sink-options.js'
import type { VectorSpace } from './vector-space.js'

/** What is in the collection, as the records that were written: payload fields, and the vectors in the fields that they came from. */
export function readBack(name: string, options: AnyOptions): Source {
  return {
    specVersion: 1,
    name,
    connect: async (operation) => {
      const { expected } = operation
      if (
        expected !== undefined &&
        options.payload === undefined &&
        options.vector === undefined &&
        arePoints(expected)
      ) {
        const source = qdrantSource({ ...locationOf(options), collection: options.collection })
        return (await source.connect(operation)) as SourceSession
      }
      return await RecordSession.open(options, operation)
    },
  }
}

class RecordSession implements SourceSession {
  static async open(options: AnyOptions, operation: ConnectOperation): Promise<RecordSession> {
    const connection = openQdrant(locationOf(options), 'qdrantSink: readBack')
    try {
      const info = await readCollection(connection, options.collection, operation)
      const where = `Qdrant ${connection.name}, collection "${options.collection}"`
      if (info === null) throw new DroverError('SOURCE_NOT_FOUND', `${where} is not there.`)
      const schema = operation.expected ?? { fields: [], key: [], isInferred: true }
      return new RecordSession(connection, options.collection, schema, fieldsOf(where, options, schema, info))
    } catch (error) {
      await connection[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(
    private readonly connection: QdrantConnection,
    private readonly collection: string,
    private readonly schema: RecordSchema,
    private readonly vectors: readonly VectorField[],
  ) {}

  async describe(): Promise<RecordSchema> {
    const { schema, vectors } = this
    const fromVectors = new Map(vectors.map(({ field, space }) => [field, space]))
    const fields = schema.fields.map((field): Field => {
      const space = fromVectors.get(field.name)
      return space === undefined ? field : { name: field.name, nullable: true, type: storedType(space) }
    })
    return { fields, key: schema.key }
  }

  async *read({ after, page, signal }: ReadOptions): AsyncGenerator<Page> {
    const names = this.vectors.map(({ space }) => space.name)
    const withVector = names.length === 0 ? false : names.includes('') ? true : names
    let offset = after === null ? undefined : idOf(after)
    for (let isFirst = after !== null; ; isFirst = false) {
      const got = await this.connection.scroll(this.collection, {
        signal,
        offset,
        limit: page.records + (isFirst ? 1 : 0),
        withPayload: true,
        withVector,
        values: 'extended',
      })
      const points = isFirst && got.ids[0] === offset ? got.points().slice(1) : got.points()
      const last = points.at(-1)
      if (last !== undefined) yield this.#page(points, got.bytes, cursorOf(last.id))
      if (got.next === null) return
      offset = got.next
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }

  #page(points: readonly WirePoint[], bytes: number, cursor: Cursor): Page {
    return pageOf(
      points.map((point) => this.#rowOf(point)),
      this.schema.key,
      { bytes, cursor },
    )
  }

  #rowOf({ payload, vector, vectors }: WirePoint): Row {
    const row: Row = { ...payload }
    for (const { field, space } of this.vectors) {
      row[field] = (space.name === '' ? vector : vectors?.[space.name]) ?? null
    }
    return row
  }
}

function pageOf(rows: readonly Row[], key: readonly string[], about: Pick<Page, 'bytes' | 'cursor'>): Page {
  return {
    ...about,
    count: rows.length,
    rows: () => rows,
    keys: () => rows.map((row): RecordKey => ({ source: keyValues(row, key) ?? [], child: 0 })),
    slice: (from, to) => pageOf(rows.slice(from, to), key, about),
  }
}

/** Fields that became vectors; what was embedded was in no field. */
function fieldsOf(
  where: string,
  options: AnyOptions,
  schema: RecordSchema,
  { spaces }: CollectionInfo,
): readonly VectorField[] {
  if (namedFields(where, options, schema).length === 0) return []
  const { embed: _, ...rest } = options
  return pointForm(where, rest, schema, spaces).vectorFields
}

/** What the collection keeps of a vector: under cosine its direction, and no more bits than its datatype has. */
function storedType({ kind, size, distance, datatype }: VectorSpace): LogicalType {
  if (kind === 'sparse') return { kind: 'json' }
  const bits = datatype === 'float16' ? 16 : undefined
  const vector: LogicalType = {
    kind: 'vector',
    dimensions: size,
    ...(distance === 'Cosine' && datatype !== 'uint8' && { isNormalized: true }),
    ...(bits === undefined ? {} : { bits }),
  }
  return kind === 'multi' ? { kind: 'list', of: vector } : vector
}

function cursorOf(id: PointId): Cursor {
  return typeof id === 'bigint' ? { u64: id.toString() } : id
}

function idOf(cursor: Cursor): PointId {
  const { u64 } = Object(cursor) as { u64?: unknown }
  return typeof u64 === 'string' ? BigInt(u64) : pointId(cursor)
}
