import { type QdrantRecord, qdrantSink, qdrantSource } from '@drover/adapter-qdrant'
import { encodeJson, from, type Row, type Sink, transformer } from '@drover/core'
import { readRows } from '../read-rows.js'
import { fieldsOf } from '../records.js'
import type { NamedSet } from '../sets.js'
import type { Store } from '../store.js'

/** A point for each record: its fields are the payload, but for the vector. */
export function qdrant(url: string): Store {
  let collections = 0
  return {
    name: 'Qdrant',
    holds: ({ name }) => held.has(name),
    seed: async (sets, records) => {
      const collection = `records ${++collections}`
      await request(url, 'PUT', collection, encodeJson({ vectors: hasVector(sets) ? vectors : {} }))
      const points = records.map(({ vector, ...payload }) => ({ id: payload.id, payload, vector: vector ?? {} }))
      await request(url, 'PUT', `${collection}/points?wait=true`, encodeJson({ points }, { values: 'plain' }))
      return from(qdrantSource({ url, collection })).pipe(fieldsAlone(sets))
    },
    place: (sets) => {
      const collection = `copy ${++collections}`
      const sink = (
        hasVector(sets)
          ? qdrantSink<Row>({ url, collection, create: { vectors }, vector: 'vector' })
          : qdrantSink<Row>({ url, collection, create: { vectors: {} } })
      ) as Sink
      return {
        sink,
        // JSON says little of types: the sink is told of them as the run told it.
        contents: async (schema) => {
          await using session = await sink.connect({ signal: new AbortController().signal })
          const source = session.readBack?.()
          if (source === undefined) throw new Error(`${sink.name} cannot be read back`)
          return await readRows(source, schema)
        },
      }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

const vectors = { size: 4, distance: 'Dot' } as const

/** What JSON has a form for, and vectors. */
const held: ReadonlySet<string> = new Set([
  'boolean',
  'int64',
  'uint64',
  'float64',
  'negativeZero',
  'text',
  'nulText',
  'json',
  'bigJson',
  'textList',
  'intList',
  'nestedList',
  'struct',
  'vector',
])

function hasVector(sets: readonly NamedSet[]): boolean {
  return sets.some(({ name }) => name === 'vector')
}

async function request(url: string, method: string, path: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/collections/${path}`, { method, headers, body })
  if (!answer.ok) throw new Error(await answer.text())
}

/** The payload's fields, and the vector, as the record. */
function fieldsAlone(sets: readonly NamedSet[]) {
  const empty = Object.fromEntries(sets.map(({ name }) => [name, null]))
  return transformer({
    name: 'fieldsAlone',
    describe: () => ({ fields: fieldsOf(sets), key: [] }),
    transform: ({ payload, vector }: QdrantRecord): Row => ({
      ...empty,
      ...payload,
      ...(hasVector(sets) && { vector: vector ?? null }),
    }),
  })
}
