import {
  allOf,
  type ConnectOperation,
  type Count,
  type Cursor,
  type Filter,
  type Operation,
  type Page,
  type Partition,
  type ReadOptions,
  type RecordSchema,
  type Row,
  type SourceSession,
} from '@drover/core'
import { openPostgres } from '../connection/open-postgres.js'
import { CopyLayout } from '../wire/copy-layout.js'
import { wireType } from '../wire/wire-type.js'
import { countRecords } from './count-records.js'
import { rangeOf } from './key-range.js'
import { openRelation } from './open-relation.js'
import { placeOf, pushedSql, readPages } from './page-stream.js'
import { keyPartitions, splitRange } from './partitions.js'
import type { PostgresSourceOptions } from './postgres-source.js'
import { pushDown } from './push-down.js'
import type { ReadSettings } from './read-settings.js'
import { keyColumns, type Relation, schemaOf, wireColumns } from './relation.js'
import { requireXmin } from './require-xmin.js'
import { SharedSnapshot } from './shared-snapshot.js'

export interface SessionOptions extends PostgresSourceOptions {
  /** For a query of ours whose key is one of a table. */
  readonly isKeyed?: boolean
}

const defaultLongestReadMs = 60_000

export async function connectSource<R extends object>(
  options: SessionOptions,
  operation: ConnectOperation,
): Promise<SourceSession<R>> {
  const { connection, statementTimeoutMs, lockTimeoutMs, applicationName } = options
  const { json = 'value', snapshot = false, catchUp = false, newColumns = 'fail', longestReadMs } = options
  const location = { connection, statementTimeoutMs, lockTimeoutMs, applicationName }
  const given = Object.fromEntries(Object.entries(location).filter(([, value]) => value !== undefined))
  const database = await openPostgres({ ...given, readonly: true }, operation)
  database.reserve('reading', operation)
  try {
    const relation = await database.transaction((one) => openRelation(one, options), operation)
    if (catchUp) requireXmin(relation)
    const settings: ReadSettings = {
      database,
      relation,
      layout: layoutOf(relation, json),
      snapshot: snapshot ? await SharedSnapshot.take(database, relation.shown, operation) : null,
      catchUp,
      newColumns,
      longestReadMs: snapshot ? 0 : (longestReadMs ?? defaultLongestReadMs),
    }
    return new PostgresSourceSession(settings, json, options.count ?? 'exact') as unknown as SourceSession<R>
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
}

function layoutOf(relation: Relation, json: 'value' | 'text'): CopyLayout {
  const repeated = { name: 'drover repeated key', type: wireType('bool'), isHidden: true }
  const columns = wireColumns(relation)
  return new CopyLayout(relation.doubts === 'nulls and duplicates' ? [...columns, repeated] : columns, {
    json,
    key: keyColumns(relation).map(({ name }) => name),
    where: relation.shown,
  })
}

/** Undefined for a session of another adapter. */
export function readSettingsOf(session: SourceSession): ReadSettings | undefined {
  return session instanceof PostgresSourceSession ? session.settings : undefined
}

class PostgresSourceSession implements SourceSession<Row> {
  /** A read that catches up has to come to the part of a partition again that it has read. */
  readonly split?: NonNullable<SourceSession<Row>['split']>
  #closed: Promise<void> | undefined

  constructor(
    readonly settings: ReadSettings,
    private readonly json: 'value' | 'text',
    private readonly counting: 'exact' | 'estimate',
  ) {
    if (!settings.catchUp) this.split = (options) => splitPartition(settings, options)
  }

  async describe(): Promise<RecordSchema> {
    return schemaOf(this.settings.relation, this.json)
  }

  count({ filter, ...operation }: Operation & { readonly filter?: Filter }): Promise<Count> {
    return countRecords(this.settings, this.counting, this.#filter(filter), operation)
  }

  pushDown(filter: Filter): { readonly pushed?: Filter; readonly rest?: Filter } {
    const { reads, fields, isUtf8 } = this.settings.relation
    const parts = pushDown(filter, { columns: reads.slice(0, fields), isUtf8 })
    const pushed = allOf(parts.pushed)
    const rest = allOf(parts.rest)
    return { ...(pushed && { pushed }), ...(rest && { rest }) }
  }

  partition({
    count,
    filter,
    ...operation
  }: Operation & { readonly count: number; readonly filter?: Filter }): Promise<readonly Partition[]> {
    return keyPartitions(this.settings, count, this.#filter(filter), operation)
  }

  read(options: ReadOptions): AsyncIterable<Page<Row>> {
    return readPages(this.settings, options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { database, snapshot } = this.settings
    try {
      await snapshot?.[Symbol.asyncDispose]()
    } finally {
      await database[Symbol.asyncDispose]()
    }
  }

  #filter(filter: Filter | undefined): string | null {
    return filter === undefined ? null : pushedSql(filter, this.settings.relation)
  }
}

function splitPartition(
  settings: ReadSettings,
  { partition, after, ...operation }: Operation & { readonly partition: Partition; readonly after: Cursor | null },
): Promise<readonly Partition[]> {
  const range = rangeOf(partition, settings.relation)
  const place = after === null ? null : placeOf(settings, after, partition.start)
  return splitRange(settings, partition.id, { ...range, after: place ?? range.after }, operation)
}
