import type { Row } from '../contracts/values.js'
import type { FlowBackfillOptions, PipelineOptions } from './options.js'

/** The pipeline that an adapter's backfill is. */
export function backfillPipeline({ backfiller, dependsOn: _, ...rest }: FlowBackfillOptions): PipelineOptions<Row> {
  const { name, version, source, sink, batchSize } = backfiller
  // What the caller says goes before what the adapter would choose.
  const own = { ...(version === undefined ? {} : { version }), ...(batchSize === undefined ? {} : { batchSize }) }
  return { ...own, ...rest, name, source, sink }
}
