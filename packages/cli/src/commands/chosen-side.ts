import { type Filter, type Flow, from, type Row, type Source } from '@drover/core'
import type { PipelineFile } from '../pipeline-file.js'
import { checkpoints } from '../stores/checkpoints.js'
import { loadPackage } from '../stores/load-package.js'

type Filters = Readonly<Record<string, unknown>>

/**
 * Of a store of agents what the filters of a migration choose: others, with other filters, may have written to it as well. With steps of one's own it is
 * all that is there, for a step may give threads another name.
 *
 * @param expected The source of the migration.
 */
export async function chosenSide(
  actual: Source<Row>,
  { parts, folder }: PipelineFile,
  expected: Source<Row>,
  operation: { readonly signal: AbortSignal },
): Promise<Source<Row> | Flow<Row>> {
  const { source, sink, transform = [] } = parts
  const filters = source?.filters as Filters | undefined
  if (filters === undefined || source?.type !== 'checkpoints' || sink?.type !== 'checkpoints') return actual
  if (transform.some(({ module }) => module !== undefined)) return actual
  await using session = await expected.connect(operation)
  const { fields } = await session.describe(operation)
  const records = fields.some(({ name }) => name === 'session_id') ? 'messages' : 'checkpoints'
  const { checkpointFilters } = await loadPackage('checkpoints', checkpoints, folder)
  const filterOf = checkpointFilters as (filters: Filters, of: { readonly records: string }) => Filter | null
  const { date_from, date_to, ...threads } = filters
  const dates = {
    ...(date_from === undefined ? {} : { date_from }),
    ...(date_to === undefined ? {} : { date_to }),
  }
  const [ofThreads, ofDates] = [filterOf(threads, { records }), filterOf(dates, { records })]
  const time = records === 'messages' ? 'created_at' : 'timestamp'
  const chosen = [
    ...(ofThreads === null ? [] : [ofThreads]),
    // Not every layout keeps times.
    ...(ofDates === null ? [] : [{ or: [{ [time]: { isNull: true } }, ofDates] } satisfies Filter]),
  ]
  return chosen.length === 0 ? actual : from(actual).filter({ and: chosen })
}
