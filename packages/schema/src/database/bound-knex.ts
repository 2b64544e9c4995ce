import type { Duplex } from 'node:stream'
import { DroverError } from '@drover/core'
import makeKnex, { type Knex } from 'knex'
import type { Dialect } from '../contracts/migration.js'
import { statementKind } from '../sql/statement-kind.js'
import { tokensOf } from '../sql/tokens.js'
import type { StatementResult } from './statement-result.js'

/** Where the statements of a bound knex go. */
export interface KnexTarget {
  readonly dialect: Dialect
  statement(sql: string, values?: readonly unknown[]): Promise<StatementResult>
}

/**
 * knex whose every statement goes to `target`: one connection, or the steps of a revision. What a call gives has the shape that knex always gives;
 * values are as Drover reads them (timestamps and decimals as text, integers beyond 2^53 as bigint).
 *
 * It has no part in transactions, so `transaction()` and `batchInsert()` without one are refused; so are streams, and with SQLite whatever knex would
 * rebuild a table for: its rebuild deletes the rows of tables that refer to it by ON DELETE CASCADE, and drops triggers.
 */
export function boundKnex(target: KnexTarget): Knex {
  const Bound = target.dialect === 'postgres' ? postgresClient() : sqliteClient()
  const knex = makeKnex({ client: Bound, useNullAsDefault: target.dialect === 'sqlite' } as Knex.Config)
  ;(knex.client as BoundClient).target = target
  return knex
}

/**
 * The statements that knex makes of a new table. They are built by one instance for all, as to make an instance takes longer than to make a table's
 * SQL.
 */
export function createTableSql(
  name: string,
  build: (table: Knex.CreateTableBuilder) => void,
  dialect: Dialect,
): readonly { readonly sql: string; readonly values: readonly unknown[] }[] {
  builders[dialect] ??= boundKnex({ dialect, statement: () => refused('A builder of SQL', 'it runs nothing') })
  const { schema, client } = builders[dialect]
  const made: readonly { readonly sql: string; readonly bindings?: readonly unknown[] }[] = schema
    .createTable(name, build)
    .toSQL() as never
  return made.map(({ sql, bindings = [] }) => ({
    sql: (client as BoundClient).positionBindings(sql),
    values: bindings,
  }))
}

const builders: Partial<Record<Dialect, Knex>> = {}

/** What knex asks of a client, as far as it is answered here. */
interface BoundClient {
  target: KnexTarget
  acquireConnection(): Promise<object>
  positionBindings(sql: string): string
}

interface KnexQuery {
  sql: string
  bindings?: readonly unknown[]
  response?: unknown
  context?: unknown
}

type ClientClass = new (config: object) => object

function refused(what: string, remedy: string): never {
  throw refusal(what, remedy)
}

function refusal(what: string, remedy: string): DroverError {
  return new DroverError('OPTION_INVALID', `${what} is refused in a revision: ${remedy}.`)
}

const noTransaction =
  'the revision is a transaction already, and ends it by itself; write the statements without one, or give the revision transaction: "none"'

/** Both clients: a connection that is a token, and nothing that ends or begins a transaction. */
function bound(Base: ClientClass): ClientClass {
  return class extends Base {
    declare target: KnexTarget

    acquireConnection(): Promise<object> {
      return Promise.resolve({ __knexUid: 'drover' })
    }

    releaseConnection(): Promise<void> {
      return Promise.resolve()
    }

    processPassedConnection(): void {
      refused('knex.connection()', 'its statements go where those of the revision go')
    }

    transaction(): never {
      return refused('knex.transaction()', noTransaction)
    }

    async stream(_connection: object, _query: unknown, stream: Duplex): Promise<void> {
      stream.destroy(
        refusal('A stream of knex', 'read page by page with limit(), or change rows with the backfill of the context'),
      )
    }

    cancelQuery(): never {
      return refused('timeout(…, { cancel: true }) of knex', 'set lockTimeoutMs of the revision')
    }

    async destroy(): Promise<void> {}
  }
}

let postgres: ClientClass | undefined
let sqlite: ClientClass | undefined

function postgresClient(): ClientClass {
  postgres ??= class extends bound(baseClient('pg')) {
    declare target: KnexTarget

    /** knex takes each `?` for a binding, also those within a text: of `default 'what?'` it would make `'what$1'`. */
    positionBindings(sql: string): string {
      if (!sql.includes('?')) return sql
      let count = 0
      return replaceOutsideTexts(sql, (escaped) => (escaped ? '?' : `$${++count}`))
    }

    async _query(_connection: object, query: KnexQuery): Promise<KnexQuery> {
      const { rows, count } = await this.target.statement(query.sql, query.bindings ?? [])
      query.response = { command: statementKind(query.sql, 'postgres').command, rowCount: count, rows, fields: [] }
      return query
    }
  }
  return postgres
}

function sqliteClient(): ClientClass {
  sqlite ??= class extends bound(baseClient('better-sqlite3')) {
    declare target: KnexTarget

    async _query(_connection: object, query: KnexQuery): Promise<KnexQuery> {
      const { rows, count, lastRowid = 0 } = await this.target.statement(query.sql, query.bindings ?? [])
      query.response = rows
      query.context = { lastID: lastRowid, changes: count }
      return query
    }

    ddl(): never {
      return refused(
        'What knex would rebuild a table of SQLite for',
        'its rebuild deletes rows of tables that refer to it and drops triggers; use dropColumn, alterColumn, addForeignKey, dropForeignKey, addNotNull, dropConstraint or rebuildTable of the context’s schema',
      )
    }
  }
  return sqlite
}

/** knex does not export its clients; without a connection an instance loads no driver. */
function baseClient(client: string): ClientClass {
  return makeKnex({ client, useNullAsDefault: true }).client.constructor as ClientClass
}

/** Replaces `?` and `\?` where they are no part of a text, a quoted name or a comment. */
function replaceOutsideTexts(sql: string, replace: (isEscaped: boolean) => string): string {
  let replaced = ''
  let end = 0
  for (const { kind, start, end: tokenEnd } of tokensOf(sql, 'postgres')) {
    if (kind === 'text' || kind === 'name' || sql.charAt(start) !== '?') continue
    for (let at = start; at < tokenEnd; at++) {
      if (sql.charAt(at) !== '?') continue
      const isEscaped = at > 0 && sql.charAt(at - 1) === '\\'
      replaced += sql.slice(end, isEscaped ? at - 1 : at) + replace(isEscaped)
      end = at + 1
    }
  }
  return replaced + sql.slice(end)
}
