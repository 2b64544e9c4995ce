import type { ExactSession, SinkOperation, UndoOptions } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { connectRehearsal } from '../rehearsal/rehearsal-session.js'
import { stateTables } from '../state/state-tables.js'
import { imageTables } from '../undo/image-tables.js'
import { Journal } from '../undo/journal.js'
import { openWriter, type WriterLocation } from '../writer/open-writer.js'
import type { BatchTarget } from './batch-target.js'
import type { OnConflict } from './conflict.js'
import { ExactWriter } from './exact-writer.js'
import { InsertTarget } from './insert-target.js'
import type { SqliteSinkOptions } from './sqlite-sink.js'

/** What every sink of ours says of its session. */
export interface ExactWriterOptions {
  readonly location: WriterLocation
  readonly foreignKeys?: boolean
  readonly tablePrefix?: string
  /** Create the database if it is not there. @default true */
  readonly create?: boolean
  readonly undo?: UndoOptions
}

export interface SinkSessionOptions
  extends ExactWriterOptions,
    Pick<SqliteSinkOptions, 'table' | 'createTable' | 'coerce'> {
  readonly key: readonly string[] | undefined
  readonly onConflict: OnConflict
}

export function connectSink<R extends object>(
  options: SinkSessionOptions,
  operation: SinkOperation,
): Promise<ExactSession<R>> {
  return connectExactWriter(options, (connection) => InsertTarget.of(connection, options), operation)
}

/** Opens a connection to write with, and a session over it. */
export async function connectExactWriter<R extends object>(
  options: ExactWriterOptions,
  makeTarget: (connection: SqliteConnection) => Promise<BatchTarget>,
  { rehearses }: SinkOperation,
): Promise<ExactSession<R>> {
  if (rehearses === true) return connectRehearsal(options, makeTarget)
  const connection = await openWriter(options.location, options.create)
  try {
    const foreignKeys = options.foreignKeys ?? (options.location.knex === undefined ? true : undefined)
    if (foreignKeys !== undefined && connection.path !== null) {
      await connection.exec(`PRAGMA foreign_keys = ${foreignKeys ? 'ON' : 'OFF'}`)
    }
    const { tablePrefix, undo } = options
    const journal = undo?.undo === true ? new Journal(connection, imageTables(tablePrefix, undo)) : null
    const target = await makeTarget(connection)
    const writer = new ExactWriter(connection, stateTables(tablePrefix), journal?.target(target) ?? target)
    return (journal?.session(writer) ?? writer) as ExactSession<object> as ExactSession<R>
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}
