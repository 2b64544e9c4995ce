import { expect, it } from 'vitest'
import { openAiEmbedder } from '../embed/open-ai-embedder.js'
import { qdrantSink } from './qdrant-sink.js'
import type { QdrantSinkOptions } from './sink-options.js'

const url = 'http://vectors.example.org:6333'
const collection = 'notes'
const embed = openAiEmbedder({ model: 'm', apiKey: 'k' })

it.each<[string, object, RegExp]>([
  ['an option that does not exist', { vectors: 'embedding' }, /did you mean "vector"/],
  ['no collection', { collection: '' }, /collection/],
  ['an id that is nothing', { id: 'uuid' }, /id is 'key' or 'record'/],
  ['a payload that is no list', { payload: 'content' }, /payload is a list of names/],
  ['a vector that is no field', { vector: 3 }, /vector/],
  ['embed that is no function', { embed: 'text-embedding-3-small', embedText: 'a' }, /embed is a function/],
  ['embed without a text', { embed }, /embedText/],
  ['a text without embed', { embedText: 'content' }, /embedText needs embed/],
  ['embedding that does not exist', { embed, embedText: 'a', embedding: { batchsize: 3 } }, /did you mean "batchSize"/],
  ['a rate of none', { embed, embedText: 'a', embedding: { requestsPerSecond: 0 } }, /requestsPerSecond/],
  ["onConflict 'error'", { onConflict: 'error' }, /'update' or 'skip': after a crash/],
  ['onConflict that is merge', { onConflict: { merge: ['a'] } }, /'update' or 'skip'/],
  ['settings that do not exist', { create: { vector: {} } }, /did you mean "vectors"/],
  ['a distance that does not exist', { create: { vectors: { size: 3, distance: 'cosine' } } }, /Cosine, Euclid/],
  ['a size that is none', { create: { vectors: { a: { size: 0, distance: 'Dot' } } } }, /vectors\.a: size/],
  ['to be like nothing', { create: { like: { url } } }, /collection/],
  ['an indexing that does not exist', { indexing: 'never' }, /'during' or 'after'/],
  ['a threshold for nothing', { indexingThreshold: 20_000 }, /for indexing: 'after'/],
  ['batches of nothing', { batchBytes: 0 }, /batchBytes/],
  ['nothing in flight', { inFlight: 0 }, /inFlight/],
])('refuses %s', (_, options, message) => {
  const make = () => qdrantSink({ url, collection, ...options } as QdrantSinkOptions)
  expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
})

it('says what it promises', () => {
  expect(qdrantSink({ url, collection })).toMatchObject({
    guarantee: 'idempotent',
    name: 'qdrant vectors.example.org:6333 notes',
    inFlight: 4,
    batchSize: 1000,
    limits: { bytes: 16 * 1024 * 1024 },
  })
})

it('is another one when other points come of it, and the same when they only come in another way', () => {
  const version = (options: Partial<QdrantSinkOptions>) => qdrantSink({ url, collection, ...options }).version
  const plain = version({})
  for (const other of [
    { id: 'record' },
    { payload: ['a'] },
    { vector: 'v' },
    { embed, embedText: 'a' },
    { onConflict: 'skip' },
    { shardKey: 'a' },
  ] as const) {
    expect(version(other)).not.toBe(plain)
  }
  const model = (name: string) => openAiEmbedder({ model: name, apiKey: 'k' })
  expect(version({ embed: model('a'), embedText: 'x' })).not.toBe(version({ embed: model('b'), embedText: 'x' }))
  expect(version({ batchSize: 3, inFlight: 1, indexing: 'after', onConflict: 'update' })).toBe(plain)
})
