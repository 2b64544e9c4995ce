import type { Operation } from '@drover/core'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import type { RevisionGraph } from '../graph/revision-graph.js'
import type { ReadRows } from '../journal/journal.js'
import type { Tools } from './session.js'
import { Standing } from './standing.js'

/** Where the database stands, in one statement. */
export async function standingOf(graph: RevisionGraph, tools: Tools, read: ReadRows): Promise<Standing> {
  return new Standing(graph, await tools.journal.glance(read), tools.database.name)
}

/** Reads without ceremony, on whichever connection there is. */
export function readAnywhere(database: SchemaDatabase, operation: Operation): ReadRows {
  return (sql, values = []) => database.query(sql, values, operation)
}

export function readOn(connection: SchemaConnection): ReadRows {
  return (sql, values) => connection.query(sql, values)
}
