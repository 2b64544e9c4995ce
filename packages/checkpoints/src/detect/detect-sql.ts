import { findHistories } from '../layouts/langchain/history-table.js'
import type { LayoutFinding } from '../layouts/layout.js'
import { askPostgres, askSqlite } from '../layouts/sql/ask.js'
import { inspectPostgres } from '../layouts/sql/inspect-postgres.js'
import { inspectSqlite } from '../layouts/sql/inspect-sqlite.js'
import type { Detector } from './detector.js'

/** Finds tables of LangGraph's savers and of LangChain's histories. Who names a table means a history. */
export const detectSql: Detector = async (options, operation) => {
  const checkpoints = options.table === undefined ? await findCheckpoints(options, operation) : []
  const histories = await findHistories(options, operation)
  // A table of that name may be anything: it is spoken of where it is all there is.
  const fit = histories.filter(({ problem }) => problem === undefined)
  return [...checkpoints, ...(checkpoints.length > 0 || fit.length > 0 ? fit : histories)]
}

const findCheckpoints = async (
  ...[{ place, schema }, operation]: Parameters<Detector>
): Promise<readonly LayoutFinding[]> => {
  if (place.type === 'postgres') {
    return (await inspectPostgres(askPostgres(place.connection, operation), schema)).findings
  }
  return place.type === 'sqlite' ? (await inspectSqlite(askSqlite(place.filename, operation))).findings : []
}
