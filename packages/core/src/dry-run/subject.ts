import type { Sink } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import { backfillPipeline } from '../engine/backfill-pipeline.js'
import type { FlowBackfillOptions, PipelineOptions } from '../engine/options.js'
import { pipelinePlan } from '../engine/pipeline-plan.js'
import { DroverError } from '../errors/drover-error.js'
import { isFlow, type Step } from '../flow/flow.js'

/** What a dry run is of. */
export interface Subject {
  readonly name: string
  readonly source: Source
  readonly steps: readonly Step[]
  readonly sink: Sink<Row>
  readonly batchSize: number
  readonly parallel: number
  readonly recordsPerSecond: number | undefined
}

const defaultBatchSize = 1_000

/** Checks the options as a run does; connects to nothing. @throws `OPTION_INVALID`, `DUPLICATES_NOT_ALLOWED` */
export function subjectOf<R>(options: PipelineOptions<R> | FlowBackfillOptions): Subject {
  const given: { readonly backfiller?: unknown } = Object(options)
  const pipeline = 'backfiller' in given ? pipelineOf(options as FlowBackfillOptions) : (options as PipelineOptions<R>)
  const { parallel } = pipelinePlan(pipeline as PipelineOptions<R>, {
    kind: 'backfiller' in given ? 'backfill' : 'pipeline',
  })
  const { source, steps } = isFlow(pipeline.source as Source)
    ? (pipeline.source as unknown as { source: Source; steps: readonly Step[] })
    : { source: pipeline.source as Source, steps: [] }
  const sink = pipeline.sink as unknown as Sink<Row>
  const batchSize = pipeline.batchSize ?? sink.batchSize ?? defaultBatchSize
  const { name, recordsPerSecond } = pipeline
  return { name, source, steps, sink, batchSize, parallel, recordsPerSecond }
}

function pipelineOf(options: FlowBackfillOptions): PipelineOptions<Row> {
  const { backfiller }: { readonly backfiller?: unknown } = options
  if (typeof backfiller === 'object' && backfiller !== null && 'sink' in backfiller) return backfillPipeline(options)
  throw new DroverError(
    'OPTION_INVALID',
    'dryRun: a backfill written by hand changes records by itself, so nobody can try it without doing it; a dry run is of pipelines and of backfills that an adapter made.',
  )
}
