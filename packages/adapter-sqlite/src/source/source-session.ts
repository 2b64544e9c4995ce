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
import { closeRelation, openRelation } from './open-relation.js'
import { PageStream } from './page-stream.js'
import { keyPartitions, splitPartition } from './partitions.js'
import { filterSql, pushDown } from './push-down.js'
import { type ReadColumn, type Relation, schemaOf } from './relation.js'
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
    const [fileBytes = 0] = (await connection.get(
      'SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS bytes',
    )) as number[]
    return new SqliteSourceSession(connection, relation, fileBytes, options) as unknown as SourceSession<R>
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}

class SqliteSourceSession implements SourceSession<Row> {
  #closed: Promise<void> | undefined

  constructor(
    private readonly connection: SqliteConnection,
    private readonly relation: Relation,
    private readonly fileBytes: number,
    private readonly options: SessionOptions,
  ) {}

  async describe(): Promise<RecordSchema> {
    return schemaOf(this.relation)
  }

  async count({ filter }: Operation & { readonly filter?: Filter }): Promise<Count> {
    const { sql, where, keep } = this.relation
    const all = allOfSql([where, this.#filter(filter)])
    const row = await this.connection.get(`SELECT count(*) AS n FROM ${sql} WHERE ${all.sql}`, all.values)
    return { value: Number(row?.[0]), exact: keep === null }
  }

  pushDown(filter: Filter): { readonly pushed?: Filter; readonly rest?: Filter } {
    const parts = pushDown(filter, this.#fields)
    const pushed = allOf(parts.pushed)
    const rest = allOf(parts.rest)
    return { ...(pushed && { pushed }), ...(rest && { rest }) }
  }

  partition(options: Operation & { readonly count: number; readonly filter?: Filter }): Promise<readonly Partition[]> {
    return keyPartitions(this.connection, this.relation, options.count, this.#filter(options.filter))
  }

  split(
    options: Operation & { readonly partition: Partition; readonly after: JsonValue | null },
  ): Promise<readonly Partition[]> {
    return splitPartition(this.connection, this.relation, options.partition, options.after)
  }

  read(options: ReadOptions): AsyncIterable<Page<Row>> {
    const { connection, relation, fileBytes } = this
    const { integers, snapshot } = this.options
    return new PageStream({ connection, relation, integers, fileBytes, givesRanges: !snapshot }).read(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    try {
      if (this.options.snapshot) await this.connection.exec('COMMIT')
      await closeRelation(this.connection, this.relation)
    } finally {
      await this.connection[Symbol.asyncDispose]()
    }
  }

  get #fields(): readonly ReadColumn[] {
    return this.relation.reads.slice(0, this.relation.fields)
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
