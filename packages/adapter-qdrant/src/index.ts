export type { QdrantClientLike } from './connection/given-client.js'
export type { QdrantLocation } from './connection/qdrant-location.js'
export type { Embedder, Embedding, EmbeddingOptions } from './embed/embedder.js'
export { type OpenAiEmbedderOptions, openAiEmbedder } from './embed/open-ai-embedder.js'
export {
  type CollectionLike,
  type CollectionSettings,
  collectionSettings,
  type DenseVectorSettings,
  type Settings,
} from './sink/collection-settings.js'
export { qdrantSink } from './sink/qdrant-sink.js'
export type { GivenVectors, QdrantSinkOptions } from './sink/sink-options.js'
export type { QdrantRecord } from './source/qdrant-record.js'
export { type QdrantSourceOptions, qdrantSource } from './source/qdrant-source.js'
export type { MultiVector, NamedVector, PointId, SparseVector } from './wire/wire-point.js'
