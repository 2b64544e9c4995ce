// One contender of the Qdrant contests per process, as worker.mjs: what one of them loads burdens no other.

import { readFileSync } from 'node:fs'
import { payloadOf, sampleVectors, vectorAt } from './qdrant-sample.mjs'

const [task, text] = process.argv.slice(2)
const options = JSON.parse(text)

/** As many points to a request, and as many requests under way, for all. */
const atOnce = 1000
const inFlight = 4

const tasks = {
  async 'client-upsert'({ url, file, dimensions, count, collection = 'bench' }) {
    const { QdrantClient } = await import('@qdrant/js-client-rest')
    const client = new QdrantClient({ url, checkCompatibility: false })
    const vectors = sampleVectors(readFileSync(file), dimensions)
    const flights = new Set()
    for (let from = 0; from < count; from += atOnce) {
      while (flights.size >= inFlight) await Promise.race(flights)
      const points = []
      for (let id = from; id < Math.min(from + atOnce, count); id++) {
        points.push({ id, payload: payloadOf(id), vector: Array.from(vectorAt(vectors, id)) })
      }
      const flight = client.upsert(collection, { wait: true, points }).then(() => flights.delete(flight))
      flights.add(flight)
    }
    await Promise.all(flights)
  },

  async sink({ url, file, dimensions, count, collection = 'bench' }) {
    const { qdrantSink } = await import('@drover/adapter-qdrant')
    const { memoryStateStore, runPipeline } = await import('@drover/core')
    const vectors = sampleVectors(readFileSync(file), dimensions)
    const sink = qdrantSink({ url, collection, batchSize: atOnce, inFlight })
    const { counts } = await runPipeline({
      name: 'bench',
      source: pointsSource(vectors, count),
      sink,
      state: memoryStateStore(),
    })
    expectCount(counts.written, count)
  },

  async 'client-scroll'({ url, count, file, dimensions, isVerified }) {
    const { QdrantClient } = await import('@qdrant/js-client-rest')
    const client = new QdrantClient({ url, checkCompatibility: false })
    const check = isVerified ? checking(file, dimensions) : () => {}
    let read = 0
    for (let offset = 0; offset !== null; ) {
      const answer = await client.scroll(`upTo${count}`, {
        offset,
        limit: atOnce,
        with_payload: true,
        with_vector: true,
      })
      for (const { id, vector, payload } of answer.points) check(id, Float32Array.from(vector), payload)
      read += answer.points.length
      offset = answer.next_page_offset ?? null
    }
    expectCount(read, count)
  },

  /** All records are decoded. */
  async source({ url, count, file, dimensions, isVerified, bytes }) {
    const { qdrantSource } = await import('@drover/adapter-qdrant')
    const source = qdrantSource({ url, collection: `upTo${count}` })
    const check = isVerified ? checking(file, dimensions) : () => {}
    const { signal } = new AbortController()
    const session = await source.connect({ signal })
    let read = 0
    const partition = { id: 'all', bounds: null }
    for await (const page of session.read({
      partition,
      after: null,
      signal,
      page: { records: atOnce, bytes: bytes ?? 16 << 20 },
    })) {
      for (const { id, vector, payload } of page.rows()) check(id, vector, payload)
      read += page.count
    }
    await session[Symbol.asyncDispose]()
    expectCount(read, count)
  },
}

function checking(file, dimensions) {
  const vectors = sampleVectors(readFileSync(file), dimensions)
  return (id, vector, { thread, step }) => {
    const wanted = vectorAt(vectors, id)
    const isSame = vector.length === wanted.length && vector.every((value, i) => Object.is(value, wanted[i]))
    if (!isSame || thread !== `thread-${id}` || step !== id % 10) throw new Error(`Point ${id} is another one.`)
  }
}

/** Points that are made as they are asked for. */
function pointsSource(vectors, count) {
  const fields = [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
    { name: 'payload', type: { kind: 'json' }, nullable: false },
    { name: 'vector', type: { kind: 'vector', dimensions: vectors[0].length }, nullable: false },
  ]
  return {
    specVersion: 1,
    name: 'points',
    connect: async () => ({
      describe: async () => ({ fields, key: ['id'] }),
      async *read({ page, after }) {
        const most = Math.max(1, Math.min(page.records, Math.floor(page.bytes / (vectors[0].byteLength + 100))))
        for (let from = (after ?? -1) + 1; from < count; from += most) {
          yield new PointsPage(vectors, from, Math.min(from + most, count))
        }
      },
      async [Symbol.asyncDispose]() {},
    }),
  }
}

class PointsPage {
  #rows
  constructor(vectors, from, to) {
    this.vectors = vectors
    this.from = from
    this.count = to - from
    this.cursor = to - 1
    this.bytes = this.count * (vectors[0].byteLength + 100)
  }

  rows() {
    this.#rows ??= Array.from({ length: this.count }, (_, i) => {
      const id = this.from + i
      return { id, payload: payloadOf(id), vector: vectorAt(this.vectors, id) }
    })
    return this.#rows
  }

  keys() {
    return this.rows().map(({ id }) => ({ source: [id], child: 0 }))
  }

  slice(from, to) {
    return new PointsPage(this.vectors, this.from + from, this.from + Math.min(to, this.count))
  }
}

function expectCount(found, wanted) {
  if (found !== wanted) throw new Error(`${found} points instead of ${wanted}`)
}

await tasks[task](options)
process.exit()
