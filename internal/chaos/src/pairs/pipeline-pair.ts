import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type CrashLife, type CrashPair, differences } from '@drover/conformance/crash'
import {
  deadLetterSource,
  from,
  type PipelineOptions,
  type Row,
  type Sink,
  type Source,
  type StateStore,
  startPipeline,
} from '@drover/core'
import { type Head, type Journey, walk } from '../herd.js'
import { pagesOf } from '../read-source.js'

/** What is particular to a pair of stores. */
export interface PipelineStores<R extends Row = Head> {
  readonly prepare: (directory: string, random: () => number) => Promise<void>
  readonly begin?: CrashPair['begin']
  /** The records in the source, by another way than the adapter's where there is one. */
  readonly heads: (directory: string) => Promise<readonly R[]>
  readonly source: (directory: string, life: CrashLife) => Source
  readonly sink: (directory: string, life: CrashLife) => Sink
  readonly state?: (directory: string) => StateStore
  /** The rows in the sink. */
  readonly rows: (directory: string) => Promise<readonly Row[]>
  /** @default walk */
  readonly journey?: Journey<R>
  /** The field that dead letters are known by. @default 'id' */
  readonly letterKey?: string
  readonly parallel?: number
  readonly batchSize?: number
}

/** A pipeline from one store to another. */
export function pipelinePair<R extends Row = Head>(stores: PipelineStores<R>): CrashPair {
  const { prepare, begin, heads, source, sink, state, rows, letterKey = 'id', parallel = 1, batchSize = 100 } = stores
  // Who names none has heads.
  const journey = stores.journey ?? (walk as unknown as Journey<R>)
  return {
    prepare,
    ...(begin === undefined ? {} : { begin }),
    async run(directory, life) {
      const live = startPipeline({
        name: 'chaos',
        source: journey.through(from<R>(source(directory, life) as Source<R>)),
        sink: sink(directory, life),
        ...(state === undefined ? {} : { state: state(directory) }),
        parallel,
        batchSize,
        maxRejected: 1_000,
        deadLetters: join(directory, 'letters'),
        ...heldBy(life),
      })
      live.events.on('batch:committed', () => life.committed())
      await live.result
    },
    async compare(directory) {
      const all = await heads(directory)
      const letters = join(directory, 'letters')
      const pages = existsSync(letters) ? await pagesOf(deadLetterSource(letters, { key: letterKey })) : []
      const keys = pages.flatMap((page) => page.keys().map((key) => key.source))
      return [
        ...differences(journey.arrived(all), await rows(directory)),
        ...differences(journey.lost(all), keys).map((line) => `dead letters: ${line}`),
      ]
    },
  }
}

/** How a run behaves beside others. */
export function heldBy({ whenHeld, leaseMs }: CrashLife): Pick<PipelineOptions<Row>, 'whenHeld' | 'leaseMs'> {
  return { whenHeld, ...(leaseMs === undefined ? {} : { leaseMs }) }
}
