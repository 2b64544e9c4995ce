import {
  allOf,
  type Count,
  DroverError,
  type Filter,
  type JsonValue,
  type Operation,
  type Page,
  type Partition,
  type ReadOptions,
  type RecordSchema,
  type Row,
  type SourceSession,
} from '@drover/core'
import { openSqlite } from '../connection/open-sqlite.js'
import type { SqliteConnection, SqliteIntegers } from '../connection/sqlite-connection.js'
import { exactDigitsSince } from './json-columns.js'
import { closeRelation, openRelation } from './open-relation.js'
import { type PageSettings, PageStream } from './page-stream.js'
import { keyPartitions, splitPartition } from './partitions.js'
import { filterSql, pushDown } from './push-down.js'
import type { TextEncoding } from './read-carefully.js'
import { type ReadColumn, schemaOf } from './relation.js'
import { allOfSql, type Sql } from './sql.js'
import type { SqliteSourceOptions } from './sqlite-source.js'

export interface SessionOptions extends SqliteSourceOptions {
  readonly integers: SqliteIntegers
  readonly snapshot: boolean
  /** For a query of ours whose key is one of a table. */
  readonly isKeyed?: boolean
}

export async function connectSource<R extends object>(options: SessionOptions): Promise<SourceSession<R>> {
  const { filename, knex, driver, busyTimeoutMs } = options
  const location = { filename, knex, driver, busyTimeoutMs }
  const given = Object.fromEntries(Object.entries(location).filter(([, value]) => value !== undefined))
  const connection = await openSqlite({ ...given, readonly: true })
  try {
    if (options.snapshot) await beginSnapshot(connection)
    const relation = await openRelation(connection, options)
    const [fileBytes, version, encoding] = (await connection.get(
      `SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS bytes,
         sqlite_version() AS version, (SELECT encoding FROM pragma_encoding) AS encoding`,
    )) as [number, string, TextEncoding]
    const writesReals = versionNumber(version) >= exactDigitsSince
    const settings = {
      connection,
      relation,
      integers: options.integers,
      fileBytes,
      writesReals,
      encoding,
      givesRanges: !options.snapshot,
    }
    return new SqliteSourceSession(settings, options.snapshot) as unknown as SourceSession<R>
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}

class SqliteSourceSession implements SourceSession<Row> {
  #closed: Promise<void> | undefined

  constructor(
    private readonly settings: PageSettings,
    private readonly isSnapshot: boolean,
  ) {}

  async describe(): Promise<RecordSchema> {
    return schemaOf(this.settings.relation)
  }

  async count({ filter }: Operation & { readonly filter?: Filter }): Promise<Count> {
    const { connection, relation } = this.settings
    const { sql, where, keep } = relation
    const all = allOfSql([where, this.#filter(filter)])
    const row = await connection.get(`SELECT count(*) AS n FROM ${sql} WHERE ${all.sql}`, all.values)
    return { value: Number(row?.[0]), exact: keep === null }
  }

  pushDown(filter: Filter): { readonly pushed?: Filter; readonly rest?: Filter } {
    const parts = pushDown(filter, this.#fields)
    const pushed = allOf(parts.pushed)
    const rest = allOf(parts.rest)
    return { ...(pushed && { pushed }), ...(rest && { rest }) }
  }

  partition(options: Operation & { readonly count: number; readonly filter?: Filter }): Promise<readonly Partition[]> {
    return keyPartitions(this.settings.connection, this.settings.relation, options.count, this.#filter(options.filter))
  }

  split(
    options: Operation & { readonly partition: Partition; readonly after: JsonValue | null },
  ): Promise<readonly Partition[]> {
    return splitPartition(this.settings.connection, this.settings.relation, options.partition, options.after)
  }

  read(options: ReadOptions): AsyncIterable<Page<Row>> {
    return new PageStream(this.settings).read(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { connection, relation } = this.settings
    try {
      if (this.isSnapshot) await connection.exec('COMMIT')
      await closeRelation(connection, relation)
    } finally {
      await connection[Symbol.asyncDispose]()
    }
  }

  get #fields(): readonly ReadColumn[] {
    const { reads, fields } = this.settings.relation
    return reads.slice(0, fields)
  }

  #filter(filter: Filter | undefined): Sql | null {
    return filter === undefined ? null : filterSql(filter, this.#fields)
  }
}

/** A transaction begins to read at its first statement, not at BEGIN. */
async function beginSnapshot(connection: SqliteConnection): Promise<void> {
  if (connection.path === null) {
    throw new DroverError(
      'OPTION_INVALID',
      `sqliteSource: "${connection.name}" is in memory and shared; leave snapshot out.`,
    )
  }
  await connection.exec('BEGIN')
  await connection.get('SELECT count(*) AS n FROM sqlite_master')
}

/** 3.52.1 as 3052001. */
function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return major * 1_000_000 + minor * 1000 + patch
}
