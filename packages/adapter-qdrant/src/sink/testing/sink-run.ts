import {
  type AckSink,
  type Batch,
  memorySource,
  memoryStateStore,
  type Page,
  type PipelineOptions,
  type Report,
  type Row,
  runPipeline,
} from '@drover/core'
import type { TestQdrant } from '@drover-internal/qdrant-server/vitest'
import { qdrantSink } from '../qdrant-sink.js'
import type { QdrantSinkOptions } from '../sink-options.js'

export const { signal } = new AbortController()

/** A sink of the test's server. */
export function sinkOf(
  qdrant: TestQdrant,
  collection: string,
  options: Partial<QdrantSinkOptions<Row>> = {},
): AckSink<Row> {
  const { url, apiKey } = qdrant
  return qdrantSink<Row>({ url, ...(apiKey === undefined ? {} : { apiKey }), collection, ...options })
}

/** Runs records into a sink. */
export async function run(
  records: readonly Row[],
  sink: AckSink<Row>,
  { key = 'id', ...options }: Partial<PipelineOptions<Row>> & { readonly key?: string | readonly string[] } = {},
): Promise<Report> {
  const source = memorySource<Row>({ name: 'memory', records, key })
  return await runPipeline({
    name: 'test',
    source,
    sink,
    state: memoryStateStore(),
    maxRetries: 0,
    ...options,
  } as PipelineOptions<Row>)
}

/** What a call fails with. */
export async function failure(call: PromiseLike<unknown>): Promise<unknown> {
  return await Promise.resolve(call).then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** All points, in the order of their ids. */
export async function pointsOf(qdrant: TestQdrant, collection: string): Promise<Row[]> {
  const { points } = await qdrant.client.scroll(collection, { limit: 10_000, with_payload: true, with_vector: true })
  return points as unknown as Row[]
}

/** One batch of one page; keys are the records' `id`, unless there are none. */
export function batchOf(records: readonly Row[], { hasKeys = true } = {}): Batch<Row> {
  const page: Page<Row> = {
    count: records.length,
    bytes: 100,
    cursor: null,
    rows: () => records,
    keys: () => records.map(({ id }) => ({ source: hasKeys ? [id as number] : [], child: 0 })),
    slice: (from, to) => ({ ...page, rows: () => records.slice(from, to) }),
  }
  return {
    partition: { id: 'all', bounds: null },
    sequence: 1,
    async *[Symbol.asyncIterator]() {
      yield page
    },
  }
}
