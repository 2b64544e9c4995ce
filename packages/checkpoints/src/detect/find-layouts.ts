import { DroverError, type Operation } from '@drover/core'
import { placeName } from '../base/place-name.js'
import { historyTables } from '../layouts/langchain/history-table.js'
import type { LayoutFinding, LayoutOptions } from '../layouts/layout.js'
import { detectQdrant } from '../layouts/qdrant/detect-qdrant.js'
import { detectRedis } from '../layouts/redis/detect-redis.js'
import { layouts } from '../layouts/registry.js'
import { detectSql } from './detect-sql.js'
import type { Detector } from './detector.js'
import { layoutProblem } from './require-layout.js'

const detectors: Readonly<Record<LayoutOptions['place']['type'], Detector>> = {
  postgres: detectSql,
  sqlite: detectSql,
  redis: detectRedis,
  qdrant: detectQdrant,
}

/** What is found in a store, of every layout that lies in stores of its type. */
export function findLayouts(options: LayoutOptions, operation: Operation): Promise<readonly LayoutFinding[]> {
  return detectors[options.place.type](options, operation)
}

/**
 * The one layout that a store is of.
 *
 * @throws `SOURCE_NOT_FOUND` with what was looked for; `OPTION_INVALID` where several are there, naming the option that says which one is
 * meant; `SOURCE_INVALID` where it is of a version that is not known.
 */
export async function findLayout(options: LayoutOptions, operation: Operation): Promise<LayoutFinding> {
  const findings = await findLayouts(options, operation)
  const store = placeName(options.place)
  const [found, ...others] = findings
  if (found === undefined) throw nothingFound(options, store)
  if (others.length > 0) throw severalFound(findings, store)
  if (found.problem !== undefined) throw layoutProblem(found, store)
  return found
}

function severalFound(findings: readonly LayoutFinding[], store: string): DroverError {
  const isOneLayout = new Set(findings.map(({ layout }) => layout)).size === 1
  const list = findings.map(({ layout, where }) => (isOneLayout ? where : `"${layout}" (${where})`)).join(' and ')
  const option = isOneLayout ? 'table (table_name in the file of a migration)' : 'layout'
  return new DroverError('OPTION_INVALID', `${store} holds ${list}. Say which is meant with the option ${option}.`)
}

function nothingFound({ place, table }: LayoutOptions, store: string): DroverError {
  const sought = {
    postgres: `the tables checkpoints, checkpoint_blobs and checkpoint_writes of LangGraph, and a chat history in ${tablesSought(table)}`,
    sqlite: `the tables checkpoints and writes of LangGraph, and a chat history in ${tablesSought(table)}`,
    redis: 'keys of LangGraph and of LangChain',
    qdrant: 'points of checkpoints, and points of LangChain',
  }[place.type]
  const known = layouts.filter(({ store: type }) => type === place.type).map(({ name }) => name)
  return new DroverError(
    'SOURCE_NOT_FOUND',
    `${store} holds nothing of ${known.join(', ')}. Looked for: ${sought}. Check the database${place.type === 'postgres' ? ', the schema' : ''} and the names.`,
  )
}

function tablesSought(table: string | undefined): string {
  return table === undefined ? `${historyTables.join(' or ')} (another name: option table)` : `"${table}"`
}
