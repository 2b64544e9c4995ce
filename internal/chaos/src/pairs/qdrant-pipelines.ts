import { join } from 'node:path'
import { qdrantSink, qdrantSource } from '@drover/adapter-qdrant'
import type { CrashPair } from '@drover/conformance/crash'
import { DroverError, directoryStateStore, type Row } from '@drover/core'
import { type Head, type Journey, walk } from '../herd.js'
import { beginQdrant, beginTroubledQdrant, calmQdrant, preparePoints, qdrantAt } from '../qdrant-place.js'
import { canonical, type Point, pointsAt, uuidOf } from '../qdrant-points.js'
import { type PipelineStores, pipelinePair } from './pipeline-pair.js'
import { fromSqlite, toSqlite } from './pipelines.js'

const numberOf = ({ payload }: Row): number => Number((payload as Row).n)
const isKept = (point: Row): boolean => numberOf(point) % 11 !== 0
const isLame = (point: Row): boolean => numberOf(point) % 97 === 0

/** Every eleventh point stays behind, some have a twin, some cannot go. */
const move: Journey<Point> = {
  through: (points) => points.filter(isKept).pipe(step),
  arrived: (points) => points.filter((point) => isKept(point) && !isLame(point)).flatMap((point) => step(point)),
  lost: (points) => points.filter((point) => isKept(point) && isLame(point)).map(({ id }) => [keyOf(id)]),
}

function step(point: Point): Point | readonly Point[] {
  if (isLame(point)) throw new Error('It cannot walk.')
  const n = numberOf(point)
  const moved = { ...point, payload: { ...point.payload, part: 0 } }
  return n % 7 === 0 ? [moved, { ...moved, id: uuidOf(n, 'b'), payload: { ...point.payload, part: 1 } }] : moved
}

/** The vectors of a record of the source stand under `vectors`, those of the server's JSON under `vector`. */
const contentOf = ({ payload, vector, vectors = vector }: Row): string => canonical({ payload, vectors })
const keyOf = (id: Point['id']): number | string => (typeof id === 'bigint' ? String(id) : id)
const flatOf = (point: Row): Row => ({ id: String(point.id), content: contentOf(point) })

const fromQdrant = {
  prepare: async (directory, random) => preparePoints(directory, random),
  begin: beginQdrant,
  heads: (directory) => pointsAt(qdrantAt(directory), 'herd'),
  source: (directory) => qdrantSource({ url: qdrantAt(directory), collection: 'herd' }),
  journey: move,
} satisfies Partial<PipelineStores<Point>>

/** A sink that keeps no position leaves that to a directory. */
const besides = { state: (directory: string) => directoryStateStore({ directory: join(directory, 'state') }) }

/** Into another collection of the same server. */
const toQdrant = {
  ...besides,
  sink: (directory) => {
    const url = qdrantAt(directory)
    return qdrantSink({ url, collection: 'arrived', id: 'record', create: { like: { collection: 'herd' } } })
  },
  rows: async (directory) => (await pointsAt(qdrantAt(directory), 'arrived')).map(flatOf),
  journey: { ...move, arrived: (points) => move.arrived(points).map(flatOf) },
} satisfies Partial<PipelineStores<Point>>

/** Heads as points, known by their keys, with a vector that is made of them. */
const headsToQdrant = {
  ...besides,
  begin: beginQdrant,
  sink: (directory) =>
    qdrantSink<Head & { readonly part: number }>({
      url: qdrantAt(directory),
      collection: 'arrived',
      create: { vectors: { size: 2, distance: 'Dot' } },
      vector: ({ id, part }) => Float32Array.of(id, part),
    }) as ReturnType<typeof qdrantSink>,
  rows: async (directory) =>
    (await pointsAt(qdrantAt(directory), 'arrived')).map(({ payload, vector }) => ({ ...payload, vector })),
  journey: {
    ...walk,
    arrived: (heads) => walk.arrived(heads).map((row) => ({ ...row, vector: [row.id, row.part] })),
  },
} satisfies Partial<PipelineStores>

/** The server itself is killed while the run goes on. Who gives up for now is called again, as a supervisor would. */
function troubled<R extends Row = Head>(stores: PipelineStores<R>): CrashPair {
  const pair = pipelinePair<R>({ ...stores, begin: beginTroubledQdrant })
  return {
    ...pair,
    async run(directory, life) {
      for (;;) {
        try {
          return await pair.run(directory, life)
        } catch (error) {
          if (!DroverError.isInstance(error, 'STORE_UNAVAILABLE')) throw error
        }
      }
    },
    async compare(directory) {
      await calmQdrant(directory)
      return await pair.compare(directory)
    },
  }
}

export const qdrantPipelines = {
  'sqlite-to-qdrant': pipelinePair({ ...fromSqlite, ...headsToQdrant, parallel: 2 }),
  'qdrant-to-sqlite': pipelinePair<Point>({
    ...fromQdrant,
    ...toSqlite('copy.db'),
    journey: {
      ...move,
      through: (points) => move.through(points).pipe(flatOf),
      arrived: (points) => move.arrived(points).map(flatOf),
    },
    parallel: 2,
  }),
  'qdrant-to-qdrant': pipelinePair<Point>({ ...fromQdrant, ...toQdrant, parallel: 2 }),
  'sqlite-to-qdrant-crashes': troubled({ ...fromSqlite, ...headsToQdrant }),
  'qdrant-to-qdrant-crashes': troubled<Point>({ ...fromQdrant, ...toQdrant }),
}
