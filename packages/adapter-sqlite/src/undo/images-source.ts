import {
  type Count,
  type Cursor,
  DroverError,
  type Operation,
  type Page,
  type ReadOptions,
  type RecordKey,
  type RecordSchema,
  type Row,
  type Source,
  type SourceSession,
} from '@drover/core'
import { openSqlite } from '../connection/open-sqlite.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { type KeyValue, recordKeyOf } from '../source/key-value.js'
import type { WriterLocation } from '../writer/open-writer.js'
import { type ImageShape, keyPlaces } from './image-shape.js'
import { type ImageTables, imageTables } from './image-tables.js'
import { undoneRun } from './undone-run.js'

export interface ImagesSourceOptions {
  readonly name: string
  readonly location: WriterLocation
  readonly tablePrefix: string | undefined
  /** Id or name. */
  readonly run: string
}

/** One row that a run changed, by the numbers of its first image and its last. */
export interface ImageRecord {
  readonly first: number
  readonly last: number
}

/** Estimated: it holds numbers only. */
const recordBytes = 64

/** Each row that a run changed, once; what was written last comes first. */
export function imagesSource(options: ImagesSourceOptions): Source<Row> {
  return {
    specVersion: 1,
    name: options.name,
    connect: async () => {
      const { synchronous: _, ...location } = options.location
      const connection = await openSqlite({ ...location, readonly: true })
      try {
        const tables = imageTables(options.tablePrefix)
        const run = await undoneRun(connection, tables, options.tablePrefix, options.run)
        return await ImagesSession.of(connection, tables, run)
      } catch (error) {
        await connection[Symbol.asyncDispose]()
        throw error
      }
    },
  }
}

class ImagesSession implements SourceSession<Row> {
  private constructor(
    private readonly connection: SqliteConnection,
    private readonly tables: ImageTables,
    /** Of the run, as SQL. */
    private readonly shapes: string,
    /** Columns with the key. */
    private readonly key: readonly string[],
    private readonly repeated: RepeatedImages,
  ) {}

  static async of(connection: SqliteConnection, tables: ImageTables, run: string): Promise<ImagesSession> {
    const found = await connection.all(`SELECT id, shape FROM ${tables.shapes} WHERE run = ?`, [run])
    const [shape] = found.map(([, text]) => JSON.parse(String(text)) as ImageShape)
    const key = shape === undefined ? [] : keyPlaces(shape)
    const shapes = found.map(([id]) => String(id)).join(', ')
    return new ImagesSession(connection, tables, shapes, key, await repeatedImages(connection, tables, shapes, key))
  }

  async describe(): Promise<RecordSchema> {
    return { fields: [], key: [] }
  }

  async count(_operation: Operation): Promise<Count> {
    const sql = `SELECT count(*) AS n FROM main.${this.tables.images} WHERE shape IN (${this.shapes})`
    const [images] = (await this.connection.get(sql)) as [number]
    return { value: images - this.repeated.later.size, exact: true }
  }

  async *read({ after, page, signal }: ReadOptions): AsyncGenerator<Page<Row>, void, undefined> {
    let before = placeOf(after)
    const most = Math.max(1, Math.min(page.records, Math.floor(page.bytes / recordBytes)))
    for (;;) {
      signal.throwIfAborted()
      const found = await this.connection.all(
        `SELECT ${['ordinal', ...this.key].join(', ')} FROM main.${this.tables.images}
         WHERE shape IN (${this.shapes}) AND ordinal < ? ORDER BY ordinal DESC LIMIT ${most}`,
        [before],
      )
      if (found.length === 0) return
      const firsts = found.filter(([ordinal]) => !this.repeated.later.has(Number(ordinal)))
      const rows = firsts.map(([ordinal]): Row => {
        const first = Number(ordinal)
        return { first, last: this.repeated.last.get(first) ?? first }
      })
      const keys = firsts.map(([, ...key]) => ({ source: recordKeyOf(key as KeyValue[]), child: 0 }))
      const last = Number(found.at(-1)?.[0])
      yield new ImagesPage(rows, keys, last)
      before = BigInt(last)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }
}

/** Of rows that the run wrote several times, which are few. */
interface RepeatedImages {
  /** The last image of a row, by its first. */
  readonly last: ReadonlyMap<number, number>
  /** All but the first. */
  readonly later: ReadonlySet<number>
}

async function repeatedImages(
  connection: SqliteConnection,
  { images }: ImageTables,
  shapes: string,
  key: readonly string[],
): Promise<RepeatedImages> {
  const names = key.join(', ')
  const found = await connection.all(
    `WITH r AS MATERIALIZED (SELECT ${names}, min(ordinal) AS first, max(ordinal) AS last FROM main.${images}
       WHERE shape IN (${shapes}) GROUP BY ${names} HAVING count(*) > 1)
     SELECT i.ordinal AS ordinal, r.first AS first, r.last AS last
     FROM r JOIN main.${images} AS i ON ${key.map((name) => `i.${name} = r.${name}`).join(' AND ')} WHERE i.shape IN (${shapes})`,
  )
  const last = new Map(found.map(([, first, latest]) => [Number(first), Number(latest)]))
  const later = found.flatMap(([ordinal, first]) => (ordinal === first ? [] : [Number(ordinal)]))
  return { last, later: new Set(later) }
}

class ImagesPage implements Page<Row> {
  readonly count: number
  readonly bytes: number

  constructor(
    private readonly records: readonly Row[],
    private readonly recordKeys: readonly RecordKey[],
    readonly cursor: number,
  ) {
    this.count = records.length
    this.bytes = records.length * recordBytes
  }

  rows(): readonly Row[] {
    return this.records
  }

  keys(): readonly RecordKey[] {
    return this.recordKeys
  }

  slice(from: number, to: number): ImagesPage {
    return new ImagesPage(this.records.slice(from, to), this.recordKeys.slice(from, to), this.cursor)
  }
}

/** Images below that number are left. */
function placeOf(after: Cursor | null): bigint {
  if (after === null) return 2n ** 63n - 1n
  if (typeof after === 'number' && Number.isSafeInteger(after)) return BigInt(after)
  throw new DroverError('STATE_INVALID', 'The stored cursor of an undo is damaged. Start the run anew.')
}
